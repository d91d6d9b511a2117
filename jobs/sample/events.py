"""What happens to events on their way into the lake: some arrive late, some twice, some with a broken clock."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.sample.plan import DAY_SECONDS, Plan, quotient, spread

LATE, OFF, SAME_DAY, LATER_DAY = 0.01, 0.001, 0.01, 0.01


def arrived(events: DataFrame, plan: Plan, key: tuple[Column, ...]) -> DataFrame:
    """The events (with `day`, the day of arrival, and `second`) as the lake sees them: `ds` and `ts` instead, 2 % of them repeated.

    1 % happened one to three days before ds, 0.1 % more than three days from it. A repeat is the same event on the same day or on one
    of the three after it. `key` numbers the event.
    """
    chance = plan.share("arrival", *key)
    back = F.lit(1) + plan.below(3, "days late", *key)
    far = F.lit(5) + plan.below(20, "days off", *key)
    shift = F.when(chance < OFF / 2, far).when(chance < OFF, -far).when(chance < OFF + LATE, -back).otherwise(0)
    repeat = plan.share("repeat", *key)
    delay = F.lit(1) + plan.below(3, "repeat delay", *key)
    zero = F.lit(0).cast("bigint")
    copies = (
        F.when(repeat < SAME_DAY, F.array(zero, zero)).when(repeat < SAME_DAY + LATER_DAY, F.array(zero, delay)).otherwise(F.array(zero))
    )
    seen = spread(events.withColumn("moved", F.col("second") + shift * F.lit(DAY_SECONDS)), copies, "copy")
    seen = seen.withColumn("day", F.col("day") + F.col("copy")).where(F.col("day") < len(plan.days))
    return (
        seen.withColumn("ds", plan.ds(F.col("day")))
        .withColumn("ts", F.timestamp_seconds(F.col("moved")))
        .drop("moved", "copy", "second", "day")
    )


def day_of(number: Column, a_day: int) -> Column:
    """The day of the event with that number, where so many happen a day."""
    return quotient(number, a_day)
