"""What is watched of every day, and what of it is unusual beside the 14 days before (schemas/contract.py: Watch).

Within the range of those days nothing is unusual. Outside of it, a number of rows is where it is more than a factor from their median, and
a mean where it is more than a distance from it, both with three standard errors allowed for chance.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from jobs.days import shifted
from jobs.ledger import BACK, Watched
from schemas.contract import CHANGES, Table, Watch

Facts = Mapping[str, Mapping[str, int]]
"""Counts by day and fact; every day of the step is there."""
LEAST = 7
"""So many of the days before there must be."""
ERRORS = 3
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
        return f"{self.day}: {self.watch.says}: {now}; usual is {low} to {high}, the median of the {BACK} days before is {median}"


def outside(watch: Watch) -> str:
    """The fact by which a watch is judged."""
    return f"outside_{watch.name}"


def names(table: Table) -> list[str]:
    """The facts that `sums` adds for a table."""
    means = [one for one in table.watches if one.mean is not None]
    counted = ["watched"] if table.watches else []
    return [*counted, *(f"watched_{one.name}_{part}" for one in means for part in ("n", "sum", "squares"))]


def sums(table: Table, good: SparkColumn) -> dict[str, SparkColumn]:
    """Aggregates by their names: the rows that count, and of every watched mean how many rows have it, its sum and that of its squares."""
    if not table.watches:
        return {}
    counts = good & F.col("changed") & ~F.col("deleted") if table.kind is CHANGES else good
    found = {"watched": F.count_if(counts)}
    for one in table.watches:
        if one.mean is None:
            continue
        value = F.when(counts, F.expr(one.mean).cast("double"))
        found[f"watched_{one.name}_n"] = F.count(value)
        for part, number in (("sum", value), ("squares", value * value)):
            found[f"watched_{one.name}_{part}"] = F.sum(F.round(number * _MICRO).cast("decimal(38,0)"))
    return found


def watched(table: Table, counts: Mapping[str, int]) -> Watched:
    """What is kept of a day, from its facts: of each watch (rows,) or (rows, sum, sum of squares), the sums in millionths."""
    return {
        one.name: (counts["watched"],)
        if one.mean is None
        else (counts[f"watched_{one.name}_n"], counts[f"watched_{one.name}_sum"], counts[f"watched_{one.name}_squares"])
        for one in table.watches
    }


def measured(table: Table, found: Facts, known: Mapping[str, Watched]) -> list[Measured]:
    """Every watched number of the days, beside those of earlier days: of the same step, else of what is published."""
    days = {**known, **{day: watched(table, counts) for day, counts in found.items()}}
    return [
        one
        for watch in table.watches
        for day in sorted(found)
        if (one := _judged(watch, day, [days[d][watch.name] for d in _before(day) if watch.name in days.get(d, {})], days[day][watch.name]))
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
        return Measured(watch, day, now)
    middle = statistics.median(past)
    if watch.mean is None:
        least, most = middle / watch.apart, middle * watch.apart
        low, high = least - ERRORS * math.sqrt(least), most + ERRORS * math.sqrt(most)
    else:
        # A row's variance as of the days before: of a day of few rows its own says little.
        n, total, squares = (sum(one[part] for one in before) for part in range(3))
        spread = math.sqrt(max(squares / _MICRO / n - (total / _MICRO / n) ** 2, 0.0) / numbers[0])
        low, high = middle - watch.apart - ERRORS * spread, middle + watch.apart + ERRORS * spread
    return Measured(watch, day, now, min(low, *past), max(high, *past), middle)
