"""features.head_queries: queries whose vectors are made beforehand, public and asked not long ago."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from jobs.days import Days

LONGEST = 30
"""Days that the job's input holds before each day, and one more: a query may leave on the first day of a step."""
QUERY = ("query",)


@dataclass(frozen=True)
class HeadQueryParams:
    """How long a query is kept; ValueError for more than the input holds."""

    live_days: int = LONGEST
    """After so many days without being asked a query leaves (30 days in arXiv 2404.16260, serving)."""

    def __post_init__(self) -> None:
        if not 1 <= self.live_days <= LONGEST:
            raise ValueError(f"live_days is {self.live_days}: the job reads {LONGEST} days, write 1 to {LONGEST}")


def build(users: DataFrame, public: DataFrame, days: Days, params: HeadQueryParams) -> DataFrame:
    """A state of every query on each day on which it was asked anew, expires, becomes public or ceases to be."""
    asked = users.select("ds", "query").distinct()
    expires = F.date_add(F.col("ds").cast("date"), params.live_days).cast("string")
    following = F.lead("ds").over(W.partitionBy("query").orderBy("ds"))
    runs = asked.select("query", "ds", expires.alias("_end"), following.alias("_next"))
    warm = runs.select("ds", "query", F.lit(False).alias("deleted"))
    # Asked again on the day on which it would leave, it stays.
    cold = runs.where(F.col("_next").isNull() | (F.col("_next") > F.col("_end"))).select(
        F.col("_end").alias("ds"), "query", F.lit(True).alias("deleted")
    )
    both = {"warm": warm.unionByName(cold), "public": public}
    valued = {name: log.select("ds", "query", F.when(~F.col("deleted"), F.struct("query")).alias("value")) for name, log in both.items()}
    states = logs.merged(valued, QUERY).where(F.col("ds").between(days.first, days.last))
    live = F.col("warm").isNotNull() & F.col("public").isNotNull()
    return states.select("ds", "query", F.sha2("query", 256).alias("input_hash"), (~live).alias("deleted"))
