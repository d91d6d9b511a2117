"""From what a build returns to what a table stores."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import PythonException, SparkRuntimeException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.engagement import COUNTS
from jobs.building import published_form
from jobs.days import Days
from jobs.registry import job
from schemas import signals
from tests.replay import frame

TOTALS = job("engagement_totals")
EARLIER, DAY = "2026-01-02", "2026-01-05"


def pair(ds: str, query: str, clicks: int, **other: Any) -> dict[str, Any]:
    """A row of signals.engagement_totals."""
    counts = dict.fromkeys(COUNTS, 0) | {"clicks": clicks}
    return {"ds": ds, "entity_type": "pin", "entity_id": "p", "query": query, **counts, **other}


def built(spark: SparkSession) -> DataFrame:
    """What a build that reads itself returns: what it touches, before the day and after it."""
    rows = [
        pair(EARLIER, "lamp", 1),
        pair(DAY, "lamp", 2),
        pair(EARLIER, "rug", 1),
        pair(DAY, "rug", 1),
        pair(DAY, "bed", 1),
        pair(EARLIER, "oak", 1),
        pair(DAY, "oak", 0, deleted=True),
    ]
    none = F.lit(None).cast("string")
    return frame(spark, signals.ENGAGEMENT_TOTALS, rows).drop("changed").withColumns({"refused": none, "refused_key": none})


def test_a_build_that_reads_itself_hands_on_what_its_rows_are_compared_with(spark: SparkSession) -> None:
    unread = frame(spark, signals.ENGAGEMENT_TOTALS, [pair(EARLIER, "lamp", 1)]).drop("changed")
    unread = unread.withColumn("deleted", F.raise_error("the table was read").cast("boolean"))
    rows = published_form(TOTALS, built(spark), unread, Days(DAY, DAY)).collect()
    assert {(row.ds, row.query, row.clicks, row.deleted) for row in rows} == {
        (DAY, "lamp", 2, False),
        (DAY, "bed", 1, False),
        (DAY, "oak", None, True),
    }
    with pytest.raises((PythonException, SparkRuntimeException), match="the table was read"):
        published_form(TOTALS, built(spark), unread, Days(DAY, "2026-02-01")).collect()  # whose last day repeats all that lives


def test_a_change_log_is_not_made_without_what_it_held_before(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="engagement_totals: a CHANGES output is reduced against its own opening rows"):
        published_form(TOTALS, built(spark), None, Days(DAY, DAY))
