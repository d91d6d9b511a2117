"""signals.public_queries: queries that enough people asked, exactly, and when they stop being public."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from jobs.days import Days

LONGEST_WINDOW = 90
"""What the job's input holds before each day: one more is read, since a query may leave on the first day of a step."""


@dataclass(frozen=True)
class PublicQueryParams:
    """When a query is public; ValueError for a window that the input does not hold.

    `k`: distinct users; fewer could be told apart by what they ask. `window_days`: the days up to and with the day itself.
    """

    k: int = 10
    window_days: int = LONGEST_WINDOW

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k is {self.k}: a query is public when at least one user asked it")
        if not 1 <= self.window_days <= LONGEST_WINDOW:
            raise ValueError(f"window_days is {self.window_days}: the job reads {LONGEST_WINDOW} days, write 1 to {LONGEST_WINDOW}")


def build(users: DataFrame, days: Days, params: PublicQueryParams) -> DataFrame:
    """A state of every query for each day on which its number of users changed, where it is or just was public."""
    length = params.window_days
    day = F.unix_date(F.col("ds").cast("date"))
    first, last = (F.unix_date(F.lit(d).cast("date")) for d in (days.first, days.last))
    asked = users.select("query", "user_hash", day.alias("day")).where(F.col("day") >= first - length)
    # A query's number can only change where somebody asks it, or where asking expires.
    moved = asked.where((F.col("day") >= first) | (F.col("day") <= last - length)).select("query").distinct()
    by_day = W.partitionBy("query", "user_hash").orderBy("day")
    asked = asked.join(moved, "query", "left_semi").select(
        "query",
        "day",
        (F.col("day") - F.lag("day").over(by_day)).alias("since"),
        (F.lead("day").over(by_day) - F.col("day")).alias("then"),
    )
    # A user counts from the first asking of an unbroken run until its last one expires: +1 and -1, whatever lies between.
    begins = asked.where(F.col("since").isNull() | (F.col("since") > length)).select("query", "day", F.lit(1).alias("users"))
    ends = asked.where(F.col("then").isNull() | (F.col("then") > length)).select("query", F.col("day") + length, F.lit(-1))
    moves = begins.union(ends).groupBy("query", "day").agg(F.sum("users").alias("users"))
    so_far = W.partitionBy("query").orderBy("day")
    counts = moves.withColumn("users", F.sum("users").over(so_far.rowsBetween(W.unboundedPreceding, W.currentRow)))
    public = F.col("users") >= params.k
    counts = counts.withColumn("was", F.coalesce(F.lag(public).over(so_far), F.lit(False)))
    ds = F.date_from_unix_date("day").cast("string")
    return counts.where(F.col("day").between(first, last) & (public | F.col("was"))).select(
        ds.alias("ds"), "query", (~public).alias("deleted")
    )
