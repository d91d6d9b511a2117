"""signals.link_clicks: how often people stayed after they followed pins and products to a page."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features.engagement import PAIR, running_sums
from features.logs import merged, near, touched
from jobs.days import Days

ENTITY = ("entity_type", "entity_id")


def build(totals: DataFrame, pins: DataFrame, products: DataFrame, clicks: DataFrame, days: Days) -> DataFrame:
    """The long clicks of every page after each day on which they changed, or on which a pin or product turned to it or from it.

    `clicks`: the newest rows of the table itself before the days: only what moved is added, however many point to a page. Long clicks are
    summed over all queries, rare ones too: a sum tells nobody what was asked.
    """
    pages = _pointers(pins, "pin").unionByName(_pointers(products, "product"))
    entities = totals.where(F.col("entity_type").isin("pin", "product"))
    moved = touched(pages, ENTITY, days.first).union(touched(entities, ENTITY, days.first)).distinct()
    states = merged({"page": near(pages, moved, ENTITY), "stays": _stays(near(entities, moved, ENTITY))}, ENTITY)
    return running_sums(_moved(states, days.first), clicks, ("url",), ("long_clicks",))


def _pointers(entities: DataFrame, kind: str) -> DataFrame:
    """(ds, entity, value): the page that an entity links to, null for none; a log."""
    url = F.when(~F.col("deleted") & (F.trim("link_url") != ""), F.col("link_url"))
    return entities.select("ds", F.lit(kind).alias("entity_type"), F.col(f"{kind}_id").alias("entity_id"), url.alias("value"))


def _stays(totals: DataFrame) -> DataFrame:
    """(ds, entity, value): the long clicks of an entity over all its queries; a log."""
    now = F.when(F.col("deleted"), 0).otherwise(F.col("long_clicks"))
    rows = totals.select("ds", *PAIR, now.alias("long_clicks"))
    change = _since_last("long_clicks", PAIR)
    deltas = rows.select("ds", *ENTITY, change.alias("change")).where("change != 0")
    by_day = deltas.groupBy("ds", *ENTITY).agg(F.sum("change").alias("change"))
    so_far = W.partitionBy(*ENTITY).orderBy("ds").rowsBetween(W.unboundedPreceding, W.currentRow)
    return by_day.select("ds", *ENTITY, F.sum("change").over(so_far).alias("value"))


def _since_last(name: str, key: tuple[str, ...]) -> Column:
    """By how much a number differs from the one of the key's row before; from 0 where there is none."""
    return F.col(name) - F.coalesce(F.lag(name).over(W.partitionBy(*key).orderBy("ds")), F.lit(0))


def _moved(states: DataFrame, first: str) -> DataFrame:
    """(ds, url, long_clicks): what every entity's change adds to the page that it links to and takes from the one that it linked to."""
    by_day = W.partitionBy(*ENTITY).orderBy("ds")
    now = F.struct(F.col("page").alias("url"), F.coalesce("stays", F.lit(0)).alias("long_clicks"))
    rows = states.select("ds", *ENTITY, now.alias("now")).withColumn("was", F.lag("now").over(by_day))
    taken = F.struct(F.col("was.url").alias("url"), (-F.col("was.long_clicks")).alias("long_clicks"))
    moves = rows.where((F.col("ds") >= first) & ~F.col("now").eqNullSafe(F.col("was")))
    parts = moves.select("ds", F.explode(F.array("now", taken)).alias("part")).select("ds", "part.*")
    return parts.where(F.col("url").isNotNull() & (F.col("long_clicks") != 0))
