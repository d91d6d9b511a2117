"""Days: a closed range of UTC dates. No other date words exist, and nothing here reads a clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def parse_day(text: str) -> dt.date:
    """The date written YYYY-MM-DD; ValueError says what was wrong."""
    if not _DAY.match(text):
        raise ValueError(f"{text!r} is not a day: write YYYY-MM-DD, such as 2026-01-31")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None


def shifted(day: str, by: int) -> str:
    """The day `by` days later (earlier where negative)."""
    return str(parse_day(day) + dt.timedelta(days=by))


def month_first(day: str) -> str:
    """The first day of the day's month."""
    return day[:8] + "01"


@dataclass(frozen=True)
class Days:
    """All days from `first` to `last`, both included, as YYYY-MM-DD strings, which sort as dates do."""

    first: str
    last: str

    def __post_init__(self) -> None:
        if parse_day(self.first) > parse_day(self.last):
            raise ValueError(f"the first day {self.first} is after the last day {self.last}")

    def __iter__(self) -> Iterator[str]:
        day = parse_day(self.first)
        for n in range(len(self)):
            yield str(day + dt.timedelta(days=n))

    def __len__(self) -> int:
        return (parse_day(self.last) - parse_day(self.first)).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, str) and self.first <= day <= self.last

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"

    def clipped(self, first: str) -> Days | None:
        """The part from `first` on; None where nothing is left."""
        return None if self.last < first else Days(max(self.first, first), self.last)

    def common(self, other: Days) -> Days | None:
        """The days of both; None where they share none."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Days(first, last) if first <= last else None

    def steps(self, length: int) -> Iterator[Days]:
        """The range cut into steps of at most `length` days, oldest first."""
        start = self.first
        while start <= self.last:
            end = min(shifted(start, length - 1), self.last)
            yield Days(start, end)
            start = shifted(end, 1)

    def month_firsts(self) -> tuple[str, ...]:
        """The days of the range that begin a month."""
        return tuple(day for day in self if day.endswith("-01"))
