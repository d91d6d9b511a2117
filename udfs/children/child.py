"""The process that reads one input at a time on behalf of a Spark worker, and that may be killed at any moment.

It is asked over a socket: two lengths, the input's name and its bytes; it answers with two lengths, JSON and raw bytes (pixels). An empty
answer means that it is ready to be asked.
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

from udfs.children.limits import Limits, RefusedInput

REQUEST = struct.Struct(">II")
ANSWER = struct.Struct(">II")
OUT_OF_MEMORY = "memory"
# The pool kills a child that takes too long. Where the pool itself is gone, the kernel does, this much later.
_ORPHAN_SECONDS = 2.0

Parser = Callable[[str, bytes, Any], Any]
"""What it finds in an input (name, bytes, limits): a dataclass, or one and raw bytes."""


def main() -> None:
    """Answers requests until the other side closes; the arguments are a socket's number, a parser, a kind of limits and those as JSON."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    parser: Parser = named(sys.argv[2])
    limits: Limits = named(sys.argv[3])(**json.loads(sys.argv[4]))
    _limit_memory(limits.memory_mb << 20)
    # Left to the default action the signal ends the process even where C code holds the interpreter.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    channel.sendall(ANSWER.pack(0, 0))
    while (head := received(channel, REQUEST.size)) is not None:
        name_size, body_size = REQUEST.unpack(head)
        name, body = received(channel, name_size), received(channel, body_size)
        if name is None or body is None:
            return
        signal.setitimer(signal.ITIMER_REAL, limits.seconds + _ORPHAN_SECONDS)
        found, raw = _answer(parser, name.decode("utf-8", "replace"), bytes(body), limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer = json.dumps(found).encode()
        channel.sendall(ANSWER.pack(len(answer), len(raw)) + answer)
        channel.sendall(raw)


def named(path: str) -> Any:
    """What `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(parser: Parser, name: str, body: bytes, limits: Limits) -> tuple[dict[str, object], bytes]:
    """What the parser finds, or why it finds nothing; never words of the input in a reason."""
    try:
        found = parser(name, body, limits)
        found, raw = found if isinstance(found, tuple) else (found, b"")
        return {"found": dataclasses.asdict(found)}, raw
    except RefusedInput as refusal:
        return {"refused": str(refusal)}, b""
    except MemoryError:
        return {"failed": OUT_OF_MEMORY}, b""
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on hostile input: the row leaves with this reason
        return {"refused": f"the parser failed with {type(error).__name__}"}, b""


def _limit_memory(size: int) -> None:
    """Lets the address space grow by `size` bytes from here and no more."""
    statm = pathlib.Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (used + size, used + size))


def received(channel: socket.socket, size: int) -> bytearray | None:
    """Exactly `size` bytes, in one piece of memory; None where the other side has closed."""
    whole = bytearray(size)
    rest = memoryview(whole)
    while rest:
        count = channel.recv_into(rest)
        if not count:
            return None
        rest = rest[count:]
    return whole
