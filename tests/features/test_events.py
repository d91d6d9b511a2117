"""Which events count."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.events import EventParams, counted, without_bots

SCHEMA = "ds string, event_id string, user_id string, action string, ts timestamp"
ALLOWED = {"action": ("save", "remove")}


def at(text: str) -> dt.datetime:
    """A moment, UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def frame(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    """(ds, event_id, user, action, ts), the last three good where left out."""
    filled = [(*row, *("u", "save", None)[len(row) - 2 :]) for row in rows]
    return spark.createDataFrame(filled, SCHEMA)


def test_an_event_that_came_in_the_three_days_before_is_a_repeat(spark: SparkSession) -> None:
    days = [f"2026-02-{n:02}" for n in range(1, 10)]
    seen = {"a": (2, 3), "b": (2, 5), "c": (2, 6), "d": (4, 7, 8), "e": (1, 5), "f": (4, 5, 6, 7, 8, 9)}
    rows: list[tuple[Any, ...]] = [(days[n - 1], event) for event, when in seen.items() for n in when]
    rows += [("2026-02-04", "refused first", None), ("2026-02-05", "refused first"), ("2026-02-08", "refused first")]
    found = counted(frame(spark, rows), "2026-02-04", "2026-02-08", ("user_id",), ALLOWED).where("refused is null").collect()
    # b on the 5th: the 2nd is three days before; c on the 6th: four. f counts once and then meets itself every day.
    assert {(row.event_id, int(row.ds[-2:])) for row in found} == {("c", 6), ("d", 4), ("e", 5), ("f", 4)}


def test_of_the_copies_of_a_day_the_smallest_that_can_count_counts_and_bad_ones_are_refused(spark: SparkSession) -> None:
    day = "2026-02-04"
    rows = [
        (day, "a", "u2"),
        (day, "a", "u1"),
        (day, "a", "u1"),
        (day, "b", None),
        (day, "b", "u9"),
        (day, "c", "u1", "x"),
        (day, "c", "u1", "x"),
    ]
    for order in (rows, rows[::-1]):
        found = counted(frame(spark, order), day, day, ("user_id",), ALLOWED).collect()
        assert sorted((r.event_id, r.user_id or "", r.refused or "") for r in found) == [
            ("a", "u1", ""),
            ("b", "", "no user_id"),
            ("b", "u9", ""),
            ("c", "u1", "unknown action"),
            ("c", "u1", "unknown action"),
        ]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_an_event_whose_clock_is_more_than_three_days_off_is_refused_in_any_time_zone(spark: SparkSession, zone: str) -> None:
    moments = {
        "2026-02-04T12:00": None,
        "2026-02-01T00:00": None,
        "2026-02-07T23:59": None,
        "2026-01-31T23:59": "ts is 4 days from its day",
        "2026-02-08T00:00": "ts is 4 days from its day",
        "1969-12-31T23:00": "ts is 20489 days from its day",
    }
    rows = [("2026-02-04", moment, "u", "save", at(moment)) for moment in moments]
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        found = counted(frame(spark, rows), "2026-02-04", "2026-02-04", ("user_id",), ALLOWED).collect()
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert {row.event_id: row.refused for row in found} == moments


def test_a_malformed_event_is_refused_with_its_reason_and_its_key(spark: SparkSession) -> None:
    day = "2026-02-04"
    rows: list[tuple[Any, ...]] = [
        (day, None),
        (day, None),
        (day, ""),
        (day, "u", None),
        (day, "e", " "),
        (day, "a", "u", None),
        (day, "x", "u", "buy"),
    ]
    found = counted(frame(spark, rows), day, day, ("user_id",), ALLOWED).collect()
    assert sorted((row.refused_key, row.refused) for row in found) == [
        ('{"ds":"2026-02-04","event_id":""}', "empty event_id"),
        ('{"ds":"2026-02-04","event_id":"a"}', "no action"),
        ('{"ds":"2026-02-04","event_id":"e"}', "empty user_id"),
        ('{"ds":"2026-02-04","event_id":"u"}', "no user_id"),
        ('{"ds":"2026-02-04","event_id":"x"}', "unknown action"),
        ('{"ds":"2026-02-04","event_id":null}', "no event_id"),
        ('{"ds":"2026-02-04","event_id":null}', "no event_id"),
    ]


def test_who_makes_more_requests_than_people_do_is_a_bot_that_day_only(spark: SparkSession) -> None:
    rows: list[tuple[Any, ...]] = [("1", "bot", f"r{n}", "q", None) for n in range(4)] + [("2", "bot", "r", "q", None)]
    rows += [("1", "busy", f"r{n % 3}", "q", None) for n in range(30)]  # many events, three requests
    rows += [("1", "unknown", None, f"q{n % 3}", None) for n in range(9)] + [("1", "hidden bot", None, f"q{n}", None) for n in range(4)]
    rows += [("1", "busy", f"r{n}", "q", "bad") for n in range(9)] + [("1", None, None, "q", "no user_id")]
    events = spark.createDataFrame(
        [(f"e{n}", *row) for n, row in enumerate(rows)],
        "event_id string, ds string, user_id string, request_id string, query string, refused string",
    )
    found = without_bots(events, 3).groupBy("ds", "user_id", "refused").agg(F.count("*").alias("n")).collect()
    assert {(r.ds, r.user_id, r.refused): r.n for r in found} == {
        ("2", "bot", None): 1,
        ("1", "busy", None): 30,
        ("1", "unknown", None): 9,
        ("1", "busy", "bad"): 9,
        ("1", None, "no user_id"): 1,
    }


def test_a_limit_that_makes_everybody_a_bot_is_refused() -> None:
    with pytest.raises(ValueError, match="bot_requests is 0"):
        EventParams(bot_requests=0)
