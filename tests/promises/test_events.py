"""Histories that are late, doubled and skewed, and what is known when."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import functions as F

from features import logs
from jobs.days import Days
from schemas import raw
from tests.jobs.queries import histories, test_histories
from tests.promises.counted import Promise
from tests.replay import frame, replay

AT_ONCE = 250


@pytest.mark.timeout(3600)
def test_12_late_doubled_and_skewed_events_give_the_rows_of_a_plain_recompute(spark, monkeypatch, promise: Promise) -> None:
    monkeypatch.setattr(test_histories.engagement_totals, "WINDOW_DAYS", histories.KEPT_DAYS)
    many, cut = promise.of(0, 1_000), test_histories.CUTS["uneven"]
    for first in range(0, many, AT_ONCE):
        cases = [[{**r, "_case": n} for r in histories.history(promise.seed, n)] for n in range(first, min(first + AT_ONCE, many))]
        expected = histories.tables(cases)
        events = frame(spark, raw.SEARCH_EVENTS, [row for rows in cases for row in rows]).localCheckpoint()
        stored = replay(spark, test_histories._jobs(), {raw.SEARCH_EVENTS: events}, cut, test_histories.PARAMS)
        for name, table in test_histories.OUTPUTS.items():
            found = test_histories._rows(stored[table], table)
            wrong = [row for row in found.keys() | expected[name].keys() if found.get(row) != expected[name].get(row)]
            promise.held(not wrong, f"{name}, cases from {first}: {len(wrong)} rows, such as {str(wrong[:1])[:200]}")
        promise.runs += len(cases) - len(test_histories.OUTPUTS)
    assert promise.kept(), promise.failures[:3]


@pytest.mark.timeout(3600)
def test_13_days_that_come_change_no_row_of_days_before(spark, monkeypatch, promise: Promise) -> None:
    """What jobs say of a day is the same whether or not later days are there already."""
    monkeypatch.setattr(test_histories.engagement_totals, "WINDOW_DAYS", histories.KEPT_DAYS)
    many, days = promise.of(0, 500), histories.DAYS
    for first in range(0, many, AT_ONCE):
        rows = [row for n in range(first, min(first + AT_ONCE, many)) for row in histories.history(promise.seed, n)]
        for last in days[2:-1:2]:
            steps = [Days(days[0], last)]
            given = {"all": rows, "known": [row for row in rows if row["ds"] <= last]}
            made = {
                name: replay(
                    spark, test_histories._jobs(), {raw.SEARCH_EVENTS: frame(spark, raw.SEARCH_EVENTS, some)}, steps, test_histories.PARAMS
                )
                for name, some in given.items()
            }
            for table in test_histories.OUTPUTS.values():
                same = (
                    made["all"][table].exceptAll(made["known"][table]).isEmpty()
                    and made["known"][table].exceptAll(made["all"][table]).isEmpty()
                )
                promise.held(same, f"{table.name} as of {last} knows what came later")
        promise.runs += min(AT_ONCE, many - first)
    assert promise.kept(), promise.failures[:3]


@pytest.mark.timeout(1800)
def test_13_what_a_log_says_as_of_a_day_is_what_brute_force_finds(spark, promise: Promise) -> None:
    """All histories lie in one log, a key each, so that a thousand are one join."""
    luck, days = random.Random(promise.seed), histories.DAYS
    log, asked, wanted = [], [], set()
    for n in range(promise.of(200, 1_000)):
        states: dict[str, int | None] = {}
        for day in days:
            if luck.random() < 0.5:
                states[day] = None if luck.random() < 0.25 else luck.randrange(100)
                log.append((day, f"k{n}", states[day], states[day] is None))
        for day in luck.sample(["2026-01-01", *days, "2026-03-01"], 3):
            asked.append((day, f"k{n}"))
            known = [value for at, value in states.items() if at <= day]
            if known and known[-1] is not None:
                wanted.add((day, f"k{n}", known[-1]))
    table = spark.createDataFrame(log, "ds string, id string, value int, deleted boolean")
    points = spark.createDataFrame(asked, "ds string, id string")
    found = {(r.ds, r.id, r.v) for r in logs.as_of(points, table, ("id",), (F.col("value").alias("v"),)).collect()}
    wrong = {key for _, key, _ in found ^ wanted}
    for n in range(promise.of(200, 1_000)):
        promise.held(f"k{n}" not in wrong, f"history {n}")
    assert promise.kept(), promise.failures[:3]
