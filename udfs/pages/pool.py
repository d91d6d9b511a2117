"""Killable child processes that parse pages: C code cannot be interrupted, so a page that never returns is killed with its process."""

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

from udfs.pages.child import ANSWER, OUT_OF_MEMORY, REQUEST
from udfs.pages.guard import Limits

PARSER = "udfs.pages.extract:page_text"
# Starting imports the parsers, about a second; this is for machines that are very busy.
_START_SECONDS = 60.0
_LARGEST_ANSWER = 4 << 20
_ENTRY = "from udfs.pages.child import main; main()"


@dataclass(frozen=True)
class Answer:
    """What a parser said about a page, or why there is nothing: one of the two is None."""

    page: dict[str, object] | None
    refused: str | None


@dataclass(frozen=True)
class _Asked:
    """A page that waits for an answer. `again`: it was asked before, by a child that others may have worn out."""

    number: int
    url: str
    body: bytes
    again: bool = False


class _Ended(Exception):
    """The child gave no answer."""


class _Late(Exception):
    """The child did not answer in time."""


class _Child:
    """One process and the page that it was asked."""

    def __init__(self, parser: str, limits: Limits) -> None:
        self._channel, theirs = socket.socketpair()
        # One thread, as Spark has one worker for each core; a fixed hash seed, as sets are iterated on the way to a table.
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [sys.executable, "-P", "-c", _ENTRY, str(theirs.fileno()), parser, json.dumps(dataclasses.asdict(limits))]
        silent = subprocess.DEVNULL  # a parser's warnings quote the page
        self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=env, stdin=silent, stdout=silent, stderr=silent)
        theirs.close()
        self._seconds = limits.seconds
        self._deadline = time.monotonic() + _START_SECONDS
        self._started = False
        self.answered = 0
        self.asked: _Asked | None = None

    def fileno(self) -> int:
        """The socket's number, for select."""
        return self._channel.fileno()

    def ask(self, asked: _Asked) -> None:
        """Sends a page; _Ended where the process is gone, _Late where it does not listen."""
        if not self._started:
            try:
                self._received()
            except (_Ended, _Late) as error:
                raise RuntimeError(f"a page parser did not start (exit code {self._process.poll()})") from error
            self._started = True
        self.asked = asked
        self._deadline = time.monotonic() + self._seconds
        url = asked.url.encode("utf-8", "replace")
        try:
            self._channel.settimeout(self._seconds)
            self._channel.sendall(REQUEST.pack(len(url), len(asked.body)) + url + asked.body)
        except TimeoutError as error:
            raise _Late from error
        except OSError as error:
            raise _Ended from error

    def left(self) -> float:
        """Seconds until the limit of the page; 0 where it has passed."""
        return max(0.0, self._deadline - time.monotonic())

    def answer(self) -> dict[str, object]:
        """The answer, which select says has begun to arrive; _Ended or _Late where it does not end."""
        try:
            found = json.loads(self._received())
        except ValueError as error:
            raise _Ended from error
        self.answered += 1
        return found if isinstance(found, dict) else {}

    def _received(self) -> bytes:
        head = self._exactly(ANSWER.size)
        (size,) = ANSWER.unpack(head)
        if size > _LARGEST_ANSWER:
            raise _Ended
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._channel.settimeout(self.left() or 0.001)
            try:
                part = self._channel.recv(size - len(parts))
            except TimeoutError as error:
                raise _Late from error
            except OSError as error:
                raise _Ended from error
            if not part:
                raise _Ended
            parts += part
        return bytes(parts)

    def kill(self) -> None:
        """Ends the process at once and waits for its end."""
        self._process.kill()
        self._process.wait()
        self._channel.close()


@dataclass
class PagePool:
    """A few long-lived parsers; one that hangs, dies or runs out of memory costs its page and is replaced."""

    limits: Limits
    parser: str = PARSER
    size: int = 1
    _children: list[_Child] = field(default_factory=list)

    def read(self, pages: Iterable[tuple[str, bytes]]) -> list[Answer]:
        """The answers to pages (address and body), in their order; as many as there were pages."""
        answers: dict[int, Answer] = {}
        waiting = (_Asked(number, url, body) for number, (url, body) in enumerate(pages))
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
        """Gives every idle child a page, oldest first, as long as there are pages; starts children as they are needed."""
        idle = [child for child in self._children if child.asked is None]
        while idle or len(self._children) < self.size:
            page = again.pop() if again else self._next_readable(waiting, answers)
            if page is None:
                return
            if page.again and len(self._children) >= self.size:
                self._remove(idle.pop())
            if page.again or not idle:
                idle.append(self._start())
            child = idle.pop()
            try:
                child.ask(page)
            except _Late:
                self._late(child, answers)
            except _Ended:
                self._ended(child, again, answers)

    def _next_readable(self, waiting: Iterator[_Asked], answers: dict[int, Answer]) -> _Asked | None:
        """The next page that is not too large to be sent at all; None where there is none left."""
        for page in waiting:
            if len(page.body) <= self.limits.page_bytes:
                return page
            answers[page.number] = Answer(None, f"the page is larger than {self.limits.page_bytes} bytes")
        return None

    def _start(self) -> _Child:
        child = _Child(self.parser, self.limits)
        self._children.append(child)
        return child

    def _settle(self, child: _Child, again: list[_Asked], answers: dict[int, Answer]) -> None:
        """Notes the answer of a child."""
        assert child.asked is not None
        try:
            found = child.answer()
        except _Late:
            self._late(child, answers)
        except _Ended:
            self._ended(child, again, answers)
        else:
            if found.get("failed") == OUT_OF_MEMORY:
                self._ended(child, again, answers, f"the page needs more than {self.limits.memory_mb} MB of memory")
                return
            page, refused = found.get("page"), found.get("refused")
            answers[child.asked.number] = Answer(page, None) if isinstance(page, dict) else Answer(None, str(refused))
            child.asked = None

    def _late(self, child: _Child, answers: dict[int, Answer]) -> None:
        """Replaces a child that did not answer in time."""
        assert child.asked is not None
        answers[child.asked.number] = Answer(None, f"the page took longer than {self.limits.seconds:g} seconds")
        self._remove(child)

    def _ended(self, child: _Child, again: list[_Asked], answers: dict[int, Answer], reason: str = "the parser died on the page") -> None:
        """Replaces a child that ended; its page is asked once more where earlier pages may be why, so that the reason is the page's own."""
        asked = child.asked
        assert asked is not None
        self._remove(child)
        if child.answered and not asked.again:
            again.append(dataclasses.replace(asked, again=True))
        else:
            answers[asked.number] = Answer(None, reason)

    def _remove(self, child: _Child) -> None:
        child.kill()
        self._children.remove(child)
