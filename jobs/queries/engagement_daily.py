"""signals.engagement_daily: what people did with an entity after a query, a day."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.engagement import daily_counts
from features.events import EventParams, searches
from jobs.days import Days
from udfs.queries import normalised_searches

__all__ = ["EventParams", "build"]


def build(events: DataFrame, days: Days, params: EventParams) -> DataFrame:
    """Counts by action for every entity, query and day, and every event that was refused, named by its day and id."""
    rows = searches(normalised_searches(events), days.first, days.last, params)
    counts = daily_counts(rows.where(F.col("refused").isNull()))
    refused = rows.where(F.col("refused").isNotNull()).select("ds", "refused", "refused_key")
    return counts.unionByName(refused, allowMissingColumns=True)
