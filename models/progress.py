"""What long parts of a training tell on their way: seconds by part, and a line each so many seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

Say = Callable[[str], None]
SECONDS_A_LINE = 15.0


class Clock:
    """Seconds of each part."""

    def __init__(self) -> None:
        self._last, self.laps = time.monotonic(), dict[str, float]()

    def lap(self, name: str) -> None:
        """The part of that name ends now; parts of one name are added up."""
        now = time.monotonic()
        self.laps[name] = round(self.laps.get(name, 0.0) + now - self._last, 1)
        self._last = now


class Seldom:
    """Says a line where the one before is some seconds past."""

    def __init__(self, say: Say) -> None:
        self._say, self._told = say, time.monotonic()

    def __call__(self, line: Callable[[], str]) -> None:
        now = time.monotonic()
        if now - self._told > SECONDS_A_LINE:
            self._told = now
            self._say(line())
