"""What people did with an entity after a query: counted by day, summed over a moving window, scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features.logs import near
from schemas.signals import ACTION_COUNTS, ENGAGEMENT_TOTALS

PAIR = ENGAGEMENT_TOTALS.key
"""Columns that name an entity and a query."""
COUNTS = tuple(column.name for column in ACTION_COUNTS)
_COUNT_OF = {
    "impression": "impressions",
    "click": "clicks",
    "long_click": "long_clicks",
    "save": "saves",
    "add_to_cart": "carts",
    "checkout": "checkouts",
}


def count_of(action: Column, offsite: Column) -> Column:
    """The name of the count that an action adds to; a purchase whose place is unknown was made on site."""
    name = F.coalesce(*(F.when(action == done, F.lit(count)) for done, count in _COUNT_OF.items()))
    return F.when(offsite & action.isin("add_to_cart", "checkout"), F.concat(F.lit("offsite_"), name)).otherwise(name)


def engagements() -> Column:
    """What people did with the entity of a row of counts; being shown is nothing they did."""
    return sum((F.col(name) for name in COUNTS if name != "impressions"), F.lit(0))


def daily_counts(events: DataFrame) -> DataFrame:
    """(ds, pair, counts): how many users did what with the entity after the query, that day.

    The same user doing the same again on one day counts once: a page shown twice or a nervous finger is one opinion.
    """
    done = events.select("ds", *PAIR, "user_id", count_of(F.col("action"), F.col("offsite")).alias("_count")).distinct()
    return done.groupBy("ds", *PAIR).agg(*(F.count_if(F.col("_count") == name).alias(name) for name in COUNTS))


def running_totals(arriving: DataFrame, expiring: DataFrame, opening: DataFrame) -> DataFrame:
    """(ds, pair, counts, deleted): the sums after every day that adds to a pair or takes from it, and those before; all zero is deleted.

    `arriving` and `expiring`: daily counts, by the day on which they come and go; `opening`: the newest totals before those days.
    """
    leaving = expiring.select("ds", *PAIR, *((-F.col(name)).alias(name) for name in COUNTS))
    return running_sums(arriving.select("ds", *PAIR, *COUNTS).unionByName(leaving), opening, PAIR, COUNTS)


def running_sums(moved: DataFrame, opening: DataFrame, key: Sequence[str], names: Sequence[str]) -> DataFrame:
    """(ds, key..., sums, deleted): the opening sums and all that moved since, after every day on which something did; all zero is deleted.

    `moved`: (ds, key..., numbers), what is added on a day, negative where it is taken away; `opening`: the newest sums before those days,
    which are returned too, of the keys that moved.
    """
    deltas = moved.groupBy("ds", *key).agg(*(F.sum(name).alias(name) for name in names))
    touched = near(opening, moved, key).select("ds", *key, *names)
    so_far = W.partitionBy(*key).orderBy("ds").rowsBetween(W.unboundedPreceding, W.currentRow)
    sums = touched.unionByName(deltas).select("ds", *key, *(F.sum(name).over(so_far).alias(name) for name in names))
    return sums.withColumn("deleted", F.greatest(F.lit(0), *names) == 0)


def score(weights: Mapping[str, int]) -> Column:
    """Counts times their weights, as an integer: it can be added and taken away exactly."""
    terms = [F.col(name) * F.lit(weight).cast("bigint") for name, weight in weights.items() if weight]
    total = F.lit(0).cast("bigint")
    for term in terms:
        total = total + term
    return total
