"""The process that parses one page at a time on behalf of a Spark worker, and that may be killed at any moment.

It is asked over a socket: two lengths, the address and the body; it answers with a length and JSON. An empty answer means
that it is ready to be asked.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import pathlib
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from udfs.pages.guard import Limits, RefusedPage

REQUEST = struct.Struct(">II")
ANSWER = struct.Struct(">I")
OUT_OF_MEMORY = "memory"
# The pool kills a page that takes too long. Where the pool itself is gone, the kernel does, this much later.
_ORPHAN_SECONDS = 2.0

Parser = Callable[[str, bytes, Limits], Any]


def main() -> None:
    """Answers requests until the other side closes; the arguments are a socket's number, a parser and limits as JSON."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    limits = Limits(**json.loads(sys.argv[3]))
    module, _, function = sys.argv[2].partition(":")
    parser: Parser = getattr(importlib.import_module(module), function)
    _limit_memory(limits.memory_mb << 20)
    # Left to the default action the signal ends the process even where C code holds the interpreter.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    channel.sendall(ANSWER.pack(0))
    while (head := received(channel, REQUEST.size)) is not None:
        url_size, body_size = REQUEST.unpack(head)
        url, body = received(channel, url_size), received(channel, body_size)
        if url is None or body is None:
            return
        signal.setitimer(signal.ITIMER_REAL, limits.seconds + _ORPHAN_SECONDS)
        answer = json.dumps(_answer(parser, url.decode("utf-8", "replace"), body, limits)).encode()
        signal.setitimer(signal.ITIMER_REAL, 0)
        channel.sendall(ANSWER.pack(len(answer)) + answer)


def _answer(parser: Parser, url: str, body: bytes, limits: Limits) -> dict[str, object]:
    """What the parser says about the page, or why it says nothing; never words of the page in a reason."""
    try:
        return {"page": dataclasses.asdict(parser(url, body, limits))}
    except RefusedPage as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"failed": OUT_OF_MEMORY}
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on a hostile page: the row leaves with this reason
        return {"refused": f"the parser failed with {type(error).__name__}"}


def _limit_memory(size: int) -> None:
    """Lets the address space grow by `size` bytes from here and no more."""
    statm = pathlib.Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (used + size, used + size))


def received(channel: socket.socket, size: int) -> bytes | None:
    """Exactly `size` bytes; None where the other side has closed."""
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
