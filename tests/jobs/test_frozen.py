"""Days on which frozen tables are computed, and how a log stood on them."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from jobs.days import Days
from jobs.frozen import at_frozen, frozen_days

DDL = "ds string, id string, value int, deleted boolean"


def on(frozen: DataFrame | None) -> list[str]:
    """The frozen days."""
    return [] if frozen is None else sorted(row.frozen for row in frozen.collect())


def test_a_frozen_day_is_a_months_first_or_the_first_day_of_the_inputs(spark: SparkSession) -> None:
    def log(*days: str) -> DataFrame:
        return spark.createDataFrame([(day, "a", 1, False) for day in days], DDL)

    nothing = log().where("false")
    assert on(frozen_days((log("2026-01-15"), log("2026-01-10")), Days("2026-01-05", "2026-01-20"))) == ["2026-01-10"]
    assert on(frozen_days((log("2026-01-15"), nothing), Days("2026-01-05", "2026-02-20"))) == ["2026-01-15", "2026-02-01"]
    # Opening rows say that something was known before the range.
    assert on(frozen_days((log("2026-01-04"),), Days("2026-01-05", "2026-01-20"))) == []
    assert on(frozen_days((nothing,), Days("2026-01-05", "2026-01-20"))) == []


def test_a_log_is_read_as_it_stood_on_each_frozen_day(spark: SparkSession) -> None:
    rows = [
        ("2026-01-01", "a", 1, False),
        ("2026-01-20", "a", 2, False),
        ("2026-02-10", "a", None, True),
        ("2026-02-05", "b", 9, False),
    ]
    log = spark.createDataFrame(rows, DDL)
    frozen = spark.createDataFrame([("2026-01-01",), ("2026-02-01",), ("2026-03-01",)], "frozen string")
    found = sorted((r.frozen, r.id, r.value) for r in at_frozen(log, frozen, ("id",)).collect())
    assert found == [("2026-01-01", "a", 1), ("2026-02-01", "a", 2), ("2026-03-01", "b", 9)]
