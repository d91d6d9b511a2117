"""Queries are kept while they are public and asked within the days that they live, whatever the cut."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.days import Days, shifted
from jobs.registry import job
from schemas import embeddings, signals
from tests.changelog import change_rows, lives, log_rows
from tests.replay import frame, replay

FIRST = "2026-01-28"
DAYS = [shifted(FIRST, n) for n in range(9)]
CUTS = {
    "one step": [Days(DAYS[0], DAYS[-1])],
    "uneven": [Days(DAYS[0], DAYS[2]), Days(DAYS[3], DAYS[3]), Days(DAYS[4], DAYS[6]), Days(DAYS[7], DAYS[8])],
}
QUERIES = [f"q{n}" for n in range(12)]
LIVE = 3


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_keeps_the_queries_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    luck = random.Random(6)
    asked = {day: {query for query in QUERIES if luck.random() < 0.15} for day in DAYS}
    public = lives(luck, DAYS, QUERIES, dict)
    users: list[dict[str, Any]] = [
        {"ds": day, "query": query, "user_hash": f"{n:064x}"} for day, some in asked.items() for query in some for n in range(2)
    ]
    wanted = {}
    for n, day in enumerate(DAYS):
        warm = set().union(*(asked[one] for one in DAYS[max(0, n - LIVE + 1) : n + 1]))
        wanted[day] = {query: "hash" for query in warm if query in public[day]}
    given = {
        signals.QUERY_USERS: frame(spark, signals.QUERY_USERS, users),
        signals.PUBLIC_QUERIES: frame(spark, signals.PUBLIC_QUERIES, log_rows(signals.PUBLIC_QUERIES, public)),
    }
    made = replay(spark, [job("head_queries")], given, CUTS[cut], {"head_queries": {"live_days": LIVE}})[embeddings.HEAD_QUERIES].collect()
    found = {(r.ds, r.query): ("hash" if r.input_hash else None, r.deleted, r.changed) for r in made}
    assert len(found) == len(made)
    assert found == change_rows(wanted)
