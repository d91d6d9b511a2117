"""signals.query_users: who asked what on which day."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.events import EventParams, searches
from jobs.days import Days
from udfs.queries import normalised_searches

__all__ = ["EventParams", "build"]


def build(events: DataFrame, days: Days, params: EventParams) -> DataFrame:
    """A row for every query and user of a day; any event of a request counts as asking.

    Events are refused by the rule of engagement_daily, which reads the same ones and reports them: they are quarantined there, once.
    """
    good = searches(normalised_searches(events), days.first, days.last, params).where(F.col("refused").isNull())
    return good.select("ds", "query", F.sha2("user_id", 256).alias("user_hash")).distinct()
