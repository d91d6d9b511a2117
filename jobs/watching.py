"""What is watched of every day, and what of it is unusual beside the 14 days before (schemas/contract.py: Watch).

Within the range of those days nothing is unusual. Outside of it, a number of rows is where it is more than a factor from their median, and
a mean where it is more than a distance from it, both with three standard errors allowed for chance. A mean over all that lives, where it
has lost more than a share of their median.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from jobs.days import month_first, shifted
from jobs.ledger import BACK, Watched
from schemas.contract import CHANGES, Table, Watch

Facts = Mapping[str, Mapping[str, int]]
"""Counts by day and fact; every day of the step is there."""
LEAST = 7
"""So many of the days before there must be."""
ERRORS = 3
PARTS = ("n", "sum", "squares")
_MICRO = 1_000_000
"""Sums are kept as integers, in millionths: the same in any order of rows."""


@dataclass(frozen=True)
class Measured:
    """A watched number of a day, and between which numbers it is usual; nothing is where too few days are known before it."""

    watch: Watch
    day: str
    value: float
    low: float = -math.inf
    high: float = math.inf
    median: float = math.nan

    @property
    def outside(self) -> float:
        """How far it lies outside of what is usual; 0 within."""
        return max(self.low - self.value, self.value - self.high, 0.0)

    def __str__(self) -> str:
        now, low, high, median = (
            f"{number:.0f}" if self.watch.mean is None else f"{number:.3g}" for number in (self.value, self.low, self.high, self.median)
        )
        usual = f"{low} or more" if math.isinf(self.high) else f"{low} to {high}"
        before = "" if math.isnan(self.median) else f", the median of the {BACK} days before is {median}"
        return f"{self.day}: {self.watch.says}: {now}; usual is {usual}{before}"


def outside(watch: Watch) -> str:
    """The fact by which a watch is judged."""
    return f"outside_{watch.name}"


def names(table: Table) -> list[str]:
    """The facts that `sums` adds for a table."""
    means = [one for one in table.watches if one.mean is not None]
    counted = ["watched"] if table.watches else []
    now = [f"watched_{one.name}_{part}" for one in means for part in PARTS]
    return [*counted, *now, *(f"was_{one.name}_{part}" for one in means if one.of_live for part in PARTS)]


def sums(table: Table, good: SparkColumn) -> dict[str, SparkColumn]:
    """Aggregates by their names: the rows that count, and of every watched mean how many rows have it, its sum and that of its squares.

    A watch of all that lives is summed over the day's rows that live, and over what those that changed were before (`was_...`).
    """
    if not table.watches:
        return {}
    counts = good & F.col("changed") & ~F.col("deleted") if table.kind is CHANGES else good
    found = {"watched": F.count_if(counts)}
    before: dict[str, SparkColumn] = {}
    for one in table.watches:
        if one.mean is None:
            continue
        found |= _sums(
            f"watched_{one.name}", F.when(good & ~F.col("deleted") if one.of_live else counts, F.expr(one.mean.replace("{}", "")))
        )
        if one.of_live:
            changed = good & F.col("changed") & F.col("was").isNotNull()
            before |= _sums(f"was_{one.name}", F.when(changed, F.expr(one.mean.replace("{}", "was."))))
    return {**found, **before}


def _sums(name: str, value: SparkColumn) -> dict[str, SparkColumn]:
    value = value.cast("double")
    sums = {
        f"{name}_{part}": F.sum(F.round(number * _MICRO).cast("decimal(38,0)"))
        for part, number in zip(PARTS[1:], (value, value * value), strict=True)
    }
    return {f"{name}_n": F.count(value), **sums}


def watched(table: Table, found: Facts, known: Mapping[str, Watched]) -> dict[str, Watched]:
    """What is kept of each day, from the facts: of each watch (rows,) or (rows, sum, sum of squares), the sums in millionths.

    What lives is all of a month's first and of the first day that there is, else what the day before says and what has changed; it is left
    out where nothing is known of the day before.
    """
    days: dict[str, Watched] = {}
    first = min([*known, *found], default="")
    for day in sorted(found):
        counts, before, own = found[day], {**known, **days}.get(shifted(day, -1), {}), dict[str, tuple[int, ...]]()
        for one in table.watches:
            now = (counts["watched"],) if one.mean is None else tuple(counts[f"watched_{one.name}_{part}"] for part in PARTS)
            if one.of_live and day not in (first, month_first(day)):
                if one.name not in before:
                    continue
                then = (counts[f"was_{one.name}_{part}"] for part in PARTS)
                now = tuple(so_far + new - old for so_far, new, old in zip(before[one.name], now, then, strict=True))
            own[one.name] = now
        days[day] = own
    return days


def measured(table: Table, days: Iterable[str], known: Mapping[str, Watched]) -> list[Measured]:
    """Every watched number of the days, beside those of the days before them; `known` holds both."""
    return [
        one
        for watch in table.watches
        for day in sorted(days)
        if watch.name in known.get(day, {})
        and (
            one := _judged(
                watch, day, [known[d][watch.name] for d in _before(day) if watch.name in known.get(d, {})], known[day][watch.name]
            )
        )
    ]


def value(numbers: Sequence[int]) -> float | None:
    """The number that is watched: the rows, or the mean; None of no rows."""
    if len(numbers) == 1:
        return float(numbers[0])
    return numbers[1] / _MICRO / numbers[0] if numbers[0] else None


def _before(day: str) -> list[str]:
    return [shifted(day, -n) for n in range(1, BACK + 1)]


def _judged(watch: Watch, day: str, before: Sequence[Sequence[int]], numbers: Sequence[int]) -> Measured | None:
    now = value(numbers)
    past = [one for one in map(value, before) if one is not None]
    if now is None:
        return None
    if len(past) < LEAST:
        return Measured(watch, day, now, _least(watch, numbers))
    middle = statistics.median(past)
    if watch.mean is None:
        least, most = middle / watch.apart, middle * watch.apart
        low, high = least - ERRORS * math.sqrt(least), most + ERRORS * math.sqrt(most)
    else:
        # A row's variance as of the days before: of a day of few rows its own says little.
        n, total, squares = (sum(one[part] for one in before) for part in range(3))
        spread = math.sqrt(max(squares / _MICRO / n - (total / _MICRO / n) ** 2, 0.0) / numbers[0])
        allowed = watch.apart * abs(middle) if watch.of_live else watch.apart
        low, high = middle - allowed - ERRORS * spread, middle + allowed + ERRORS * spread
        high = math.inf if watch.of_live else high
    return Measured(watch, day, now, max(min(low, *past), _least(watch, numbers)), max(high, *past), middle)


def _least(watch: Watch, numbers: Sequence[int]) -> float:
    """Below it a day's number is unusual whatever was before: what the watch says, less what chance may do among the day's own rows."""
    if watch.least is None:
        return -math.inf
    n, mean = numbers[0], numbers[1] / _MICRO / numbers[0]
    return watch.least - ERRORS * math.sqrt(max(numbers[2] / _MICRO / n - mean**2, 0.0) / n)
