"""What is computed on a table's first day and on each month's first only: which days those are, and how a log stood on them."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from jobs.days import Days


def frozen_days(inputs: Sequence[DataFrame], days: Days) -> DataFrame | None:
    """(frozen), to be broadcast: the months' firsts of the range, and the first day of the inputs where nothing was known before the range.

    None where the range has none. Looked up before anything is planned: on most nights there is nothing to compute.
    """
    known = [one.select("ds") for one in inputs]
    all_days = known[0]
    for one in known[1:]:
        all_days = all_days.unionByName(one)
    first = all_days.agg(F.min("ds").alias("earliest")).first()
    earliest = first.earliest if first else None
    begins = {earliest} if earliest is not None and earliest >= days.first else set()
    on = sorted(begins | set(days.month_firsts()))
    return F.broadcast(inputs[0].sparkSession.createDataFrame([(day,) for day in on], "frozen string")) if on else None


def at_frozen(log: DataFrame, frozen: DataFrame, key: Sequence[str]) -> DataFrame:
    """(frozen, key..., values...): the log's live rows at each frozen day."""
    valid = log.withColumn("_until", logs.until(key)).where("not deleted")
    return valid.join(frozen, (F.col("ds") <= F.col("frozen")) & (F.col("frozen") < F.col("_until"))).drop("ds", "_until")
