"""signals.engagement_totals: sums over two years, kept by adding the day that comes and taking away the day that goes."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.engagement import running_totals

WINDOW_DAYS = 730
"""Two years, longer than which nobody tried (arXiv 2404.16260); the lag of the job's input `expiring` in the registry."""


def build(arriving: DataFrame, expiring: DataFrame, totals: DataFrame) -> DataFrame:
    """The totals of every pair after each day on which something came or went, and before the first of them; all zero is deleted."""
    leaving = expiring.withColumn("ds", F.date_add(F.col("ds").cast("date"), WINDOW_DAYS).cast("string"))
    return running_totals(arriving, leaving, totals)
