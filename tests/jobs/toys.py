"""A small lineage for tests of the runner: pins (a change log) and a daily count over it, built in this module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.spec import Input, Job, days, log
from schemas import raw
from schemas.contract import CHANGES, DAILY, Column, Table
from tests.replay import frame

PINS = Table(
    "toys.pins",
    CHANGES,
    "Titles of pins.",
    ("pin_id",),
    (Column("pin_id", "string", "pin", required=True), Column("title", "string", "title", maximum=20)),
)
CHANGED_PINS = Table(
    "toys.changed_pins",
    DAILY,
    "How many pins changed.",
    ("what",),
    (Column("what", "string", "what is counted", required=True), Column("n", "bigint", "how many", required=True, minimum=0)),
)


@dataclass(frozen=True)
class PinParams:
    """`suffix` is put behind every title."""

    suffix: str = ""


def build_pins(updates: DataFrame, params: PinParams) -> DataFrame:
    """States of toys.pins; a title of `bad` is refused."""
    title = F.concat("title", F.lit(params.suffix))
    bad = F.when(F.col("title") == "bad", F.lit("the title is bad"))
    return updates.select("ds", "pin_id", title.alias("title"), F.coalesce("deleted", F.lit(False)).alias("deleted"), bad.alias("refused"))


def build_counts(pins: DataFrame, days: Any) -> DataFrame:
    """A row for every day with a change."""
    return pins.where(F.col("ds") >= days.first).groupBy("ds").agg(F.lit("changes").alias("what"), F.count(F.lit(1)).alias("n"))


JOBS: tuple[Job, ...] = (
    Job(
        "toy_pins",
        build="tests.jobs.toys:build_pins",
        output=PINS,
        inputs={"updates": Input(raw.PIN_UPDATES, days())},
        tags=("toys",),
        params="PinParams",
        one_to_one="updates",
    ),
    Job("toy_counts", build="tests.jobs.toys:build_counts", output=CHANGED_PINS, inputs={"pins": Input(PINS, log())}, tags=("toys",)),
)


def updates(spark: SparkSession, rows: Sequence[tuple[str, str, str | None]]) -> DataFrame:
    """raw.pin_updates from (ds, pin_id, title); a title of None is a deletion."""
    return frame(spark, raw.PIN_UPDATES, [{"ds": d, "pin_id": p, "title": t, "deleted": t is None} for d, p, t in rows])
