"""The window of the totals, at its full length: what came in leaves on the day 730 days later, and takes its queries with it."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days, shifted
from jobs.queries.engaged_queries import EngagedQueryParams
from jobs.queries.engagement_totals import WINDOW_DAYS
from jobs.registry import job
from schemas import signals
from tests.changelog import change_rows, stored_rows
from tests.replay import frame, replay

FIRST = "2024-01-15"
WHOLE = Days(FIRST, shifted(FIRST, WINDOW_DAYS + 60))
QUERIES = ("lamp", "red sofa", "rug")
CUTS = {
    "one step": [WHOLE],
    # Before anything expires; to the last day of the window; the two days around it; what is left.
    "uneven": [
        Days(FIRST, shifted(FIRST, 400)),
        Days(shifted(FIRST, 401), shifted(FIRST, WINDOW_DAYS - 1)),
        Days(shifted(FIRST, WINDOW_DAYS), shifted(FIRST, WINDOW_DAYS)),
        Days(shifted(FIRST, WINDOW_DAYS + 1), WHOLE.last),
    ],
}
Pair = tuple[str, str, str]


def daily_counts(seed: int) -> dict[str, dict[Pair, tuple[int, ...]]]:
    """Counts by day and pair: many on the first and last days, so that they come and go, few in between; pairs that never come again."""
    rng = random.Random(seed)
    days = [shifted(FIRST, n) for n in (*range(5), *range(15, 50, 5), 200, 380, 500, WINDOW_DAYS - 1, WINDOW_DAYS, WINDOW_DAYS + 20)]
    found: dict[str, dict[Pair, tuple[int, ...]]] = {}
    for day in days:
        pairs = [(rng.choice(("pin", "product", "ad")), f"e{rng.randrange(9)}", rng.choice(QUERIES)) for _ in range(6)]
        counts = [dict.fromkeys(COUNTS, 0) | {"impressions": 1, rng.choice(COUNTS): rng.randrange(1, 4)} for _ in pairs]
        found[day] = {pair: tuple(c.values()) for pair, c in zip(pairs, counts, strict=True)}
    return found


def totals_by_day(daily: dict[str, dict[Pair, tuple[int, ...]]]) -> dict[str, dict[Any, Any]]:
    """Pair -> sums on every day, each from all days of its window anew."""
    found: dict[str, dict[Any, Any]] = {}
    for day in WHOLE:
        sums: dict[Pair, Counter[int]] = defaultdict(Counter)
        for past, counts in daily.items():
            if shifted(day, 1 - WINDOW_DAYS) <= past <= day:
                for pair, numbers in counts.items():
                    sums[pair].update(dict(enumerate(numbers)))
        found[day] = {pair: tuple(total[n] for n in range(len(COUNTS))) for pair, total in sums.items()}
    return found


def engaged_by_day(totals: dict[str, dict[Any, Any]]) -> dict[str, dict[Any, Any]]:
    """Entity -> its queries, best first, on every day."""
    weights = EngagedQueryParams().weights
    found: dict[str, dict[Any, Any]] = {}
    for day, sums in totals.items():
        ranked: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for (kind, entity, query), numbers in sums.items():
            if score := sum(weights[name] * n for name, n in zip(COUNTS, numbers, strict=True)):
                ranked[kind, entity].append((-score, query))
        found[day] = {entity: (tuple((query, -score) for score, query in sorted(best)),) for entity, best in ranked.items()}
    return found


@pytest.mark.parametrize("cut", CUTS)
def test_what_is_older_than_the_window_is_in_no_sum_and_in_no_list_of_queries(spark: SparkSession, cut: str) -> None:
    daily = daily_counts(3)
    totals = totals_by_day(daily)
    engaged = engaged_by_day(totals)
    expected = change_rows(totals), change_rows(engaged)
    for rows in expected:
        left = [key for key, (_, deleted, _) in rows.items() if deleted]
        assert len(left) > 2, "they leave with their last count"
        assert all(day >= shifted(FIRST, WINDOW_DAYS) for day, _ in left), "and not before"
    rows = [
        {"ds": ds, **dict(zip(signals.ENGAGEMENT_DAILY.key, pair, strict=True)), **dict(zip(COUNTS, numbers, strict=True))}
        for ds, counts in daily.items()
        for pair, numbers in counts.items()
    ]
    given = {
        signals.ENGAGEMENT_DAILY: frame(spark, signals.ENGAGEMENT_DAILY, rows),
        # As public_queries writes it: again on every month's first, where a reader begins.
        signals.PUBLIC_QUERIES: frame(
            spark,
            signals.PUBLIC_QUERIES,
            [{"ds": ds, "query": query, "changed": ds == FIRST} for ds in (FIRST, *WHOLE.month_firsts()) for query in QUERIES],
        ),
    }
    found = replay(spark, [job("engagement_totals"), job("engaged_queries")], given, CUTS[cut])
    for table, wanted in zip((signals.ENGAGEMENT_TOTALS, signals.ENGAGED_QUERIES), expected, strict=True):
        assert stored_rows(found[table], table.key, table.values) == wanted


def test_the_registry_reads_the_day_that_leaves_the_window() -> None:
    assert job("engagement_totals").inputs["expiring"].read.lag == WINDOW_DAYS
