"""All five jobs over random histories: however the days are cut, every row is the one that a plain recompute from raw gives."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.building import built
from jobs.days import Days
from jobs.queries import engagement_totals
from jobs.queries.query_users import EventParams
from jobs.registry import job
from jobs.spec import Input, Job
from jobs.spec import days as days_read
from schemas import raw, signals
from schemas.contract import CHANGES, Table
from tests.changelog import Rows, stored_rows
from tests.jobs.queries import histories
from tests.replay import frame, planned_for_many, replay

CASES = 150
SEEDS = (1,)
OUTPUTS = {
    "users": signals.QUERY_USERS,
    "daily": signals.ENGAGEMENT_DAILY,
    "public": signals.PUBLIC_QUERIES,
    "totals": signals.ENGAGEMENT_TOTALS,
    "engaged": signals.ENGAGED_QUERIES,
}
PARAMS: dict[str, dict[str, Any]] = {
    "query_users": {"bot_requests": histories.BOT_REQUESTS},
    "engagement_daily": {"bot_requests": histories.BOT_REQUESTS},
    "public_queries": {"k": histories.K, "window_days": histories.ASKED_DAYS},
    "engaged_queries": {"top": histories.TOP},
}
WHOLE = Days(histories.FIRST, histories.LAST)
CUTS = {
    "one step": [WHOLE],
    "uneven": [
        Days("2026-01-29", "2026-01-31"),
        Days("2026-02-01", "2026-02-01"),
        Days("2026-02-02", "2026-02-02"),
        Days("2026-02-03", "2026-02-04"),
    ],
}


def _jobs() -> list[Job]:
    """The jobs of the registry in order, the two years of totals cut to a few days."""
    totals = job("engagement_totals")
    expiring = Input(signals.ENGAGEMENT_DAILY, days_read(lag=histories.KEPT_DAYS))
    return [
        job("query_users"),
        job("engagement_daily"),
        job("public_queries"),
        replace(totals, inputs={**totals.inputs, "expiring": expiring}),
        job("engaged_queries"),
    ]


@pytest.fixture(autouse=True)
def _few_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagement_totals, "WINDOW_DAYS", histories.KEPT_DAYS)


def _rows(stored: DataFrame, table: Table) -> Rows:
    if table.kind is CHANGES:
        return stored_rows(stored, table.key, table.values)
    found = {("", tuple(row)): () for row in stored.collect()}
    assert len(found) == stored.count(), f"{table.name} repeats a row"
    return found


@pytest.fixture(scope="module", params=SEEDS)
def cases(request: pytest.FixtureRequest) -> list[list[histories.Row]]:
    """Generated histories; each row knows its case."""
    made = [histories.history(request.param, case) for case in range(CASES)]
    return [[{**row, "_case": case} for row in rows] for case, rows in enumerate(made)]


@pytest.fixture(scope="module")
def expected(cases: list[list[histories.Row]]) -> dict[str, Rows]:
    """What the tables must hold."""
    return histories.tables(cases)


@pytest.fixture(scope="module")
def events(spark: SparkSession, cases: list[list[histories.Row]]) -> DataFrame:
    """The raw events of all cases."""
    return frame(spark, raw.SEARCH_EVENTS, [row for rows in cases for row in rows]).localCheckpoint()


def test_the_histories_hold_what_is_to_be_tested(cases: list[list[histories.Row]], expected: dict[str, Rows]) -> None:
    reasons = {reason.split(" is ")[0] for _, reason in histories.refusals(cases)}
    assert reasons >= {"no event_id", "no user_id", "empty query", "no entity_id", "unknown action", "unknown entity_type", "ts"}
    for name in ("public", "totals", "engaged"):
        kinds = Counter((deleted, changed) for _, deleted, changed in expected[name].values())
        assert kinds[True, True] > 20, f"{name}: entities leave"
        assert kinds[False, False] > 20, f"{name}: rows that the month's first day repeats"
    engaged = expected["engaged"]
    assert sum(key[0] == "query" for _, key in engaged) > 20, "queries that lead to queries"
    assert sum(len(value[0]) == histories.TOP for value, *_ in engaged.values() if value) > 100, "ranks that are cut"


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_rows_of_a_plain_recompute(spark: SparkSession, events: DataFrame, expected: dict[str, Rows], cut: str) -> None:
    with planned_for_many(spark) if cut == "one step" else nullcontext():
        stored = replay(spark, _jobs(), {raw.SEARCH_EVENTS: events}, CUTS[cut], PARAMS)
    for name, table in OUTPUTS.items():
        found = _rows(stored[table], table)
        assert len(expected[name]) > 300, f"{name}: too few rows to prove anything"
        wrong = sorted(
            str((row, found.get(row), expected[name].get(row)))
            for row in found.keys() | expected[name].keys()
            if found.get(row) != expected[name].get(row)
        )
        assert not wrong, f"{name}: {len(wrong)} rows differ, such as {wrong[0]}"


@pytest.mark.parametrize("days", [WHOLE, Days("2026-02-01", "2026-02-02")], ids=str)
def test_every_malformed_event_is_refused_once_with_its_reason(
    spark: SparkSession, events: DataFrame, cases: list[list[histories.Row]], days: Days
) -> None:
    daily = job("engagement_daily")
    rows = built(daily, {"events": events}, days, EventParams(bot_requests=histories.BOT_REQUESTS))
    refused = rows.where("refused is not null").groupBy("ds", "refused").agg(F.count("refused_key").alias("n")).collect()
    expected = {key: n for key, n in histories.refusals(cases).items() if key[0] in days}
    assert len(expected) > 10
    assert {(row.ds, row.refused): row.n for row in refused} == expected
