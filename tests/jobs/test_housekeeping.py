"""Small files joined and old ones removed, over real Delta: rows, digests and running readers keep what they had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.housekeeping import keep
from jobs.publication import Step, publish
from jobs.store import Conflict, Store
from schemas.contract import ANSWERS, DAILY, Column, Table

TABLE = Table("toys.numbers", DAILY, "d", ("n",), (Column("n", "bigint", "n", required=True), Column("v", "string", "v")))
WORDS = Table("answers.words", ANSWERS, "d", ("model_revision", "input_hash"), (Column("word", "string", "w"),))
DAYS = Days("2026-01-01", "2026-01-02")


@pytest.fixture(scope="module")
def warehouse_made(spark, tmp_path_factory):
    """A table of which each day lies in several files, and a version that was replaced."""
    made = Store(spark, str(tmp_path_factory.mktemp("made") / "ware house"))
    with_files(made, "old")
    with_files(made, "new")
    return Path(made.warehouse)


@pytest.fixture
def store(spark, warehouse_made, tmp_path):
    """A copy of it."""
    return Store(spark, shutil.copytree(warehouse_made, tmp_path / "ware house").as_posix())


def with_files(store, value):
    day = F.when(F.col("id") % 2 == 0, DAYS.first).otherwise(DAYS.last)
    rows = store.spark.range(200).select(day.alias("ds"), F.col("id").alias("n"), F.lit(value).alias("v"))
    publish(store, f"run_{value}", Step("job", TABLE, DAYS, since=store.ledger(TABLE).version), rows.select("*", *nothing()))
    # As a cluster leaves them: many small files.
    split = store.frame(TABLE).repartition(4, "n")
    split.write.format("delta").mode("overwrite").option("dataChange", "false").partitionBy("ds").save(store.path(TABLE))


def nothing():
    return [F.lit(None).cast("string").alias(name) for name in ("refused", "refused_key")]


def files(store, day):
    return sorted(Path(store.path(TABLE)).glob(f"ds={day}/*.parquet"))


def shown(store, version=None):
    return sorted((r.ds, r.n, r.v) for r in store.frame(TABLE, version).collect())


def test_files_of_earlier_days_are_joined_and_no_row_or_digest_changes(store):
    before, ledger = shown(store), {day: one.digest for day, one in store.ledger(TABLE).days.items()}
    at = store.ledger(TABLE).version
    (kept,) = keep(store, [TABLE], "2026-01-02", lambda line: None)
    assert (kept.joined, kept.into, kept.why) == (4, 1, None)
    assert shown(store) == before
    assert {day: one.digest for day, one in store.ledger(TABLE).days.items()} == ledger
    assert shown(store, at) == before, "a reader of the version before reads on"
    (again,) = keep(store, [TABLE], "2026-01-02", lambda line: None)
    assert (again.joined, again.into) == (0, 0)


def test_what_is_published_meanwhile_is_no_conflict(store):
    """A run that began before the files of other days were joined publishes its own day."""
    since = store.ledger(TABLE).version
    keep(store, [TABLE], "2026-01-02", lambda line: None)
    rows = store.spark.range(3).select(F.lit("2026-01-02").alias("ds"), F.col("id").alias("n"), F.lit("later").alias("v"), *nothing())
    done = publish(store, "late", Step("job", TABLE, Days("2026-01-02", "2026-01-02"), since=since), rows)
    assert done.version is not None


def test_files_that_only_old_versions_have_are_removed_after_the_days_of_the_contract(store, monkeypatch):
    keep(store, [TABLE], "2026-01-03", lambda line: None)
    assert len(files(store, "2026-01-01")) > 1, "they are younger than seven days"
    monkeypatch.setitem(TABLE.__dict__, "versions_days", 0)
    store.spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        (kept,) = keep(store, [TABLE], "2026-01-03", lambda line: None)
    finally:
        store.spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    assert kept.removed > 0
    assert len(files(store, "2026-01-01")) == 1
    assert len(shown(store)) == 200


def test_a_table_that_is_being_written_is_left_for_the_next_time(store, monkeypatch):
    def busy(self, table, before):
        raise Conflict(table, ())

    monkeypatch.setattr(Store, "compact", busy)
    said = []
    (kept,) = keep(store, [TABLE], "2026-01-02", said.append)
    assert kept.why is not None
    assert "another run writes it" in said[0]


def test_tables_that_were_never_written_are_passed_over(store):
    assert keep(store, [WORDS], "2026-01-02", lambda line: None) == []


def test_a_contract_keeps_old_versions_for_seven_days_at_least():
    with pytest.raises(ValueError, match="versions_days is at least 7"):
        Table("toys.t", DAILY, "d", ("n",), (Column("n", "int", "n", required=True),), versions_days=1)
