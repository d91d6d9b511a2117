"""Parsers that misbehave as hostile pages make real ones misbehave; the page's url says how."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

from udfs.pages.guard import Limits, RefusedPage


@dataclass(frozen=True)
class Said:
    """What a well-behaved page says."""

    title: str
    language: str | None = None


def parse(url: str, body: bytes, limits: Limits) -> Said:
    """The url as title, unless it names a misbehaviour."""
    if url == "hang":
        # The interpreter's lock stays with the C function: no signal handler and no thread of Python would ever run.
        ctypes.PyDLL(None).sleep(3600)
    if url == "hog":
        hoard = []
        while True:
            hoard.append(bytes(10_000_000))
    if url == "die":
        ctypes.string_at(0)
    if url == "raise":
        raise KeyError("words of the page")
    if url == "refuse":
        raise RefusedPage("the page breaks a rule")
    return Said(title=url)


def count(url: str, body: bytes, limits: Limits) -> Said:
    """The url as title, after a line is added to the file that the body names."""
    descriptor = os.open(body.decode(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{url}\n".encode())
    os.close(descriptor)
    return Said(title=url)


def process(url: str, body: bytes, limits: Limits) -> Said:
    """The number of the process as title."""
    return Said(title=str(os.getpid()))
