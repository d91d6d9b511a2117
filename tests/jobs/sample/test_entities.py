"""Pins by arithmetic: the number that is drawn for a wanted object and colour is about them."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.sample import entities
from jobs.sample.plan import FEWEST_PINS, Plan

DAYS = Days("2026-01-01", "2026-05-20")


@pytest.mark.parametrize("pins", [FEWEST_PINS, 2000, 9000])
def test_a_candidate_is_about_the_wanted_object_and_colour(spark: SparkSession, pins: int) -> None:
    plan = Plan(pins, DAYS, seed=3)
    asked = plan.rows(spark, 4000, "i").select(
        "i",
        (F.col("i") % 36).alias("thing"),
        F.when(F.col("i") % 3 > 0, F.col("i") % 8).alias("shade"),
        (F.col("i") % 2 == 0).alias("sold"),
    )
    n = entities.candidate(plan, F.col("thing"), F.col("shade"), F.col("sold"), "test", F.col("i"))
    found = entities.placed(asked.withColumn("n", n), plan).withColumn("shopping", entities.is_shopping(F.col("n"))).collect()
    assert {row.object == row.thing for row in found} == {True}
    assert all(row.shopping for row in found if row.sold)
    # Few products: the colour is given up, never the object.
    exact = [row.color == row.shade for row in found if row.shade is not None and (not row.sold or pins >= 9000)]
    assert exact
    assert all(exact)
    assert sum(row.n < pins for row in found) > 0.6 * len(found)


def test_a_timeline_begins_at_birth_ends_at_deletion_and_has_one_row_a_day(spark: SparkSession) -> None:
    plan = Plan(2000, DAYS, seed=3)
    rows = entities.timeline(plan.rows(spark, plan.pins, "n"), plan, "pin").collect()
    by_pin: dict[int, list[tuple[int, int, bool]]] = {}
    for row in rows:
        by_pin.setdefault(row.n, []).append((row.day, row.version, row.deleted))
    assert len(by_pin) == plan.pins
    for life in by_pin.values():
        life.sort()
        days = [day for day, _, _ in life]
        assert len(set(days)) == len(days)
        assert all(0 <= day < len(DAYS) for day in days)
        assert life[0][1:] == (0, False)
        assert [deleted for *_, deleted in life[:-1]] == [False] * (len(life) - 1)
        versions = [version for _, version, deleted in life if not deleted]
        assert versions == sorted(versions)
    updates = sum(version > 0 for life in by_pin.values() for _, version, _ in life)
    deletions = sum(life[-1][2] for life in by_pin.values())
    assert 0.008 < updates / plan.pins / len(DAYS) < 0.012
    assert 0.0006 < deletions / plan.pins / len(DAYS) < 0.0014


def test_a_lake_too_small_to_address_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 300 pins, got 299"):
        Plan(299, DAYS, seed=1)
