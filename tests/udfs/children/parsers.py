"""Parsers that misbehave as hostile inputs make real ones misbehave; the input's name says how."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any

from udfs.children.limits import Limits, RefusedInput
from udfs.images.limits import Limits as ImageLimits
from udfs.images.reading import header


@dataclass(frozen=True)
class Said:
    """What a well-behaved page says."""

    title: str
    language: str | None = None


def parse(name: str, body: bytes, limits: Limits) -> Said:
    """The name as title, unless it names a misbehaviour."""
    if name == "hang":
        # The interpreter's lock stays with the C function: no signal handler and no thread of Python would ever run.
        ctypes.PyDLL(None).sleep(3600)
    if name == "hog":
        hoard = []
        while True:
            hoard.append(bytes(10_000_000))
    if name == "die":
        ctypes.string_at(0)
    if name == "raise":
        raise KeyError("words of the page")
    if name == "refuse":
        raise RefusedInput("the page breaks a rule")
    return Said(title=name)


def count(name: str, body: bytes, limits: Limits) -> Said:
    """The name as title, after a line is added to the file that the body names."""
    descriptor = os.open(body.decode(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\n".encode())
    os.close(descriptor)
    return Said(title=name)


def process(name: str, body: bytes, limits: Limits) -> Said:
    """The number of the process as title."""
    return Said(title=str(os.getpid()))


def echo(name: str, body: bytes, limits: Limits) -> tuple[Said, bytes]:
    """The name as title, and the bytes as raw bytes."""
    return Said(title=name), body


def hang_or_header(name: str, body: bytes, limits: ImageLimits) -> Any:
    """The header of an image, unless the bytes name a misbehaviour."""
    return header(name, body, limits) if body != b"hang" else parse("hang", body, limits)
