"""How long a plan may take, from how long its jobs took before. Standard library only."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from jobs.planner import Todo

NEWEST = 20
"""So many of a job's newest publications are looked at."""
History = Mapping[str, Sequence[tuple[int, float]]]
"""Days and seconds of past publications of every job, newest first."""


def seconds(job: str, days: int, history: History) -> float | None:
    """What a step of so many days may take; None for a job that never ran.

    A start and so much a day, fitted to past steps of different lengths (Theil-Sen: the median of the slopes between them, so that one slow
    run does not count); where all were of one length, in proportion for longer steps and the same for shorter ones.
    """
    past = list(history.get(job, ()))[:NEWEST]
    if not past:
        return None
    slopes = [(s - t) / (n - m) for i, (n, s) in enumerate(past) for m, t in past[:i] if n != m]
    if not slopes:
        length, took = past[0][0], statistics.median(s for _, s in past)
        return took * max(1.0, days / length)
    slope = max(0.0, statistics.median(slopes))
    start = max(0.0, statistics.median(s - slope * n for n, s in past))
    return start + slope * days


def total(todo: Sequence[Todo], history: History) -> tuple[float, list[str]]:
    """(seconds one after the other, jobs that never ran and are not in them)."""
    told = [(one.job.name, seconds(one.job.name, len(one.days), history)) for one in todo]
    return sum(s for _, s in told if s is not None), list(dict.fromkeys(name for name, s in told if s is None))


def words(duration: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3.5 h`."""
    if duration < 90:
        return f"{duration:.0f} s"
    return f"{duration / 60:.0f} min" if duration < 5400 else f"{duration / 3600:.1f} h"
