"""Long-lived child processes that read inputs: one that hangs, dies or runs out of memory costs its input and is replaced."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from udfs.children.child import ANSWER, OUT_OF_MEMORY, REQUEST
from udfs.children.limits import Limits

# Starting imports the parsers, about a second; this is for machines that are very busy.
_START_SECONDS = 60.0
_LARGEST_JSON = 4 << 20
_ENTRY = "from udfs.children.child import main; main()"

Body = bytes | memoryview


@dataclass(frozen=True)
class Parser:
    """What children run: a function `module:name` (see `udfs.children.child.Parser`), what its inputs are called, its most raw bytes."""

    function: str
    noun: str
    raw_bytes: int = 0


@dataclass(frozen=True)
class Answer:
    """What a parser found in an input and the raw bytes that go with it, or why there is nothing: `found` or `refused` is None."""

    found: dict[str, object] | None
    refused: str | None
    raw: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class _Asked:
    """An input that waits for an answer. `again`: it was asked before, by a child that others may have worn out."""

    number: int
    name: str
    body: Body
    again: bool = False


class _Ended(Exception):
    """The child gave no answer."""


class _Late(Exception):
    """The child did not answer in time."""


class _Child:
    """One process and the input that it was asked."""

    def __init__(self, parser: Parser, limits: Limits) -> None:
        self._channel, theirs = socket.socketpair()
        # One thread, as Spark has one worker for each core; a fixed hash seed, as sets are iterated on the way to a table.
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
        }
        kind = f"{type(limits).__module__}:{type(limits).__qualname__}"
        command = [sys.executable, "-P", "-c", _ENTRY, str(theirs.fileno()), parser.function, kind, json.dumps(dataclasses.asdict(limits))]
        silent = subprocess.DEVNULL  # a parser's warnings quote its input
        self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=env, stdin=silent, stdout=silent, stderr=silent)
        theirs.close()
        self._parser = parser
        self._seconds = limits.seconds
        self._deadline = 0.0
        self._started = False
        self.answered = 0
        self.asked: _Asked | None = None

    def fileno(self) -> int:
        """The socket's number, for select."""
        return self._channel.fileno()

    def ask(self, asked: _Asked) -> None:
        """Sends an input; _Ended where the process is gone, _Late where it does not listen."""
        if not self._started:
            self._deadline = time.monotonic() + _START_SECONDS
            try:
                self._received()
            except (_Ended, _Late) as error:
                raise RuntimeError(f"a parser of {self._parser.noun}s did not start (exit code {self._process.poll()})") from error
            self._started = True
        self.asked = asked
        self._deadline = time.monotonic() + self._seconds
        name = asked.name.encode("utf-8", "replace")
        try:
            self._channel.settimeout(self._seconds)
            self._channel.sendall(REQUEST.pack(len(name), len(asked.body)) + name)
            self._channel.sendall(asked.body)
        except TimeoutError as error:
            raise _Late from error
        except OSError as error:
            raise _Ended from error

    def left(self) -> float:
        """Seconds until the limit of the input; 0 where it has passed."""
        return max(0.0, self._deadline - time.monotonic())

    def answer(self) -> tuple[dict[str, object], bytearray]:
        """The answer, which select says has begun to arrive; _Ended or _Late where it does not end."""
        head, raw = self._received()
        try:
            found = json.loads(head)
        except ValueError as error:
            raise _Ended from error
        self.answered += 1
        return found if isinstance(found, dict) else {}, raw

    def _received(self) -> tuple[bytearray, bytearray]:
        size, raw_size = ANSWER.unpack(self._exactly(ANSWER.size))
        if size > _LARGEST_JSON or raw_size > self._parser.raw_bytes:
            raise _Ended
        return self._exactly(size), self._exactly(raw_size)

    def _exactly(self, size: int) -> bytearray:
        whole = bytearray(size)
        rest = memoryview(whole)
        while rest:
            self._channel.settimeout(self.left() or 0.001)
            try:
                count = self._channel.recv_into(rest)
            except TimeoutError as error:
                raise _Late from error
            except OSError as error:
                raise _Ended from error
            if not count:
                raise _Ended
            rest = rest[count:]
        return whole

    def kill(self) -> None:
        """Ends the process at once and waits for its end."""
        self._process.kill()
        self._process.wait()
        self._channel.close()


@dataclass
class Pool:
    """A few children that run one parser, started as they are needed; for one thread at a time."""

    parser: Parser
    limits: Limits
    size: int = 1
    _children: list[_Child] = field(default_factory=list)

    def read(self, inputs: Iterable[tuple[str, Body]]) -> list[Answer]:
        """The answers to inputs (name and bytes), in their order; as many as there were inputs."""
        answers: dict[int, Answer] = {}
        waiting = (_Asked(number, name, body) for number, (name, body) in enumerate(inputs))
        again: list[_Asked] = []
        while True:
            self._fill(again, waiting, answers)
            busy = [child for child in self._children if child.asked is not None]
            if not busy:
                return [answers[number] for number in range(len(answers))]
            ready, _, _ = select.select(busy, [], [], min(child.left() for child in busy))
            for child in busy:
                if child in ready:
                    self._settle(child, again, answers)
                elif not child.left():
                    self._late(child, answers)

    def close(self) -> None:
        """Ends all processes."""
        while self._children:
            self._children.pop().kill()

    def _fill(self, again: list[_Asked], waiting: Iterator[_Asked], answers: dict[int, Answer]) -> None:
        """Gives every idle child an input, oldest first, as long as there are any; starts children as they are needed."""
        idle = [child for child in self._children if child.asked is None]
        while idle or len(self._children) < self.size:
            asked = again.pop() if again else self._next_readable(waiting, answers)
            if asked is None:
                return
            if asked.again and len(self._children) >= self.size:
                self._remove(idle.pop())
            if asked.again or not idle:
                idle.append(self._start())
            child = idle.pop()
            try:
                child.ask(asked)
            except _Late:
                self._late(child, answers)
            except _Ended:
                self._ended(child, again, answers)

    def _next_readable(self, waiting: Iterator[_Asked], answers: dict[int, Answer]) -> _Asked | None:
        """The next input that is not too large to be sent at all; None where there is none left."""
        for asked in waiting:
            if len(asked.body) <= self.limits.most_bytes:
                return asked
            answers[asked.number] = Answer(None, f"the {self.parser.noun} is larger than {self.limits.most_bytes} bytes")
        return None

    def _start(self) -> _Child:
        child = _Child(self.parser, self.limits)
        self._children.append(child)
        return child

    def _settle(self, child: _Child, again: list[_Asked], answers: dict[int, Answer]) -> None:
        """Notes the answer of a child."""
        assert child.asked is not None
        try:
            head, raw = child.answer()
        except _Late:
            self._late(child, answers)
        except _Ended:
            self._ended(child, again, answers)
        else:
            if head.get("failed") == OUT_OF_MEMORY:
                self._ended(child, again, answers, f"the {self.parser.noun} needs more than {self.limits.memory_mb} MB of memory")
                return
            found, refused = head.get("found"), head.get("refused")
            answers[child.asked.number] = Answer(found, None, raw) if isinstance(found, dict) else Answer(None, str(refused))
            child.asked = None

    def _late(self, child: _Child, answers: dict[int, Answer]) -> None:
        """Replaces a child that did not answer in time."""
        assert child.asked is not None
        answers[child.asked.number] = Answer(None, f"the {self.parser.noun} took longer than {self.limits.seconds:g} seconds")
        self._remove(child)

    def _ended(self, child: _Child, again: list[_Asked], answers: dict[int, Answer], reason: str | None = None) -> None:
        """Replaces a child that ended; its input is asked once more where earlier ones may be why, so that the reason is its own."""
        asked = child.asked
        assert asked is not None
        self._remove(child)
        if child.answered and not asked.again:
            again.append(dataclasses.replace(asked, again=True))
        else:
            answers[asked.number] = Answer(None, reason or f"the parser died on the {self.parser.noun}")

    def _remove(self, child: _Child) -> None:
        child.kill()
        self._children.remove(child)


# Of this process: Spark uses a Python worker again for later tasks, and its children with it. The number says whose they are.
_pools: dict[tuple[int, Parser, Limits, int], Pool] = {}


def of_this_process(parser: Parser, limits: Limits, size: int) -> Pool:
    """The children of this process for these limits; others that it had are ended."""
    key = (os.getpid(), parser, limits, size)
    if key not in _pools:
        for pool in _pools.values():
            pool.close()
        _pools.clear()
        _pools[key] = Pool(parser, limits, size)
    return _pools[key]
