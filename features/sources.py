"""Text sources of pins and products: which entities point to something that changed, and lists of what people did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs


def pointing(log: DataFrame, key: str, pointers: Mapping[str, Column], moved: Mapping[str, DataFrame]) -> DataFrame:
    """(key): the entities with a row that points to something that moved, once for each; one pass over the log for all kinds.

    `pointers`: by kind, an array of the ids that a row points to; `moved`: by the same kinds, frames of one column of ids.
    """
    kinds = [_marked(kind, ids) for kind, ids in pointers.items()]
    at = log.select(key, F.inline(F.concat(*kinds))).where("id is not null")
    targets: DataFrame | None = None
    for kind, ids in moved.items():
        part = ids.toDF("id").select(F.lit(kind).alias("kind"), "id")
        targets = part if targets is None else targets.unionByName(part)
    if targets is None or set(pointers) != set(moved):
        raise ValueError(f"pointers and what moved must be of the same kinds: {sorted(pointers)}, {sorted(moved)}")
    return at.join(targets, ["kind", "id"], "left_semi").select(key)


def pointer(log: DataFrame, key: str, name: str) -> DataFrame:
    """(ds, key, name): what an entity points to, null where it is deleted."""
    return log.select("ds", key, F.when(~F.col("deleted"), F.col(name)).alias(name))


def in_order(listing: DataFrame, key: str, ids: str, told: DataFrame, on: str, first: str) -> DataFrame:
    """(ds, key, value.all): what is known of all that an entity lists, in its order; one that nothing is known of is left out.

    `listing`: (ds, key, ids), as `pointer` gives it of an array of ids; `told`: (ds, on, value), a log by the listed id.
    """
    # What is gathered is known on the days of its changes and, by this point, before the first of them.
    before = listing.select(key).distinct().withColumn("ds", F.lit(str(dt.date.fromisoformat(first) - dt.timedelta(days=1))))
    each = F.array_compact(F.array_distinct(ids))
    places = F.max(F.coalesce(F.size(each), F.lit(0))).over(W.partitionBy(key))
    long = listing.select("ds", key, each.alias("ids"), places.alias("places")).where("places > 0")
    # A row for each place that the entity ever has, so that a place that it no longer has is a change too.
    views = long.select("ds", key, "ids", F.explode(F.sequence(F.lit(0), F.col("places") - 1)).alias("place"))
    views = views.select("ds", key, "place", F.get("ids", F.col("place")).alias(on))
    said = logs.joined(views, logs.near(told, views, (on,)), (key, "place"), {on: on})
    said = said.withColumn("deleted", F.col("value").isNull())
    valid = logs.gathered(logs.kept(said), (key,), (key, "place"), first, before)
    one = F.when(F.col("value").isNotNull(), F.struct("place", "value"))
    ordered = valid.groupBy(key, "ds").agg(F.array_sort(F.collect_list(one)).alias("_all"))
    return ordered.select("ds", key, F.struct(F.col("_all.value").alias("all")).alias("value"))


def listed(ranked: Column, name: str) -> Column:
    """The texts `name` of an array of structs, in its order; null where there is none."""
    texts = F.transform(ranked, lambda one: one[name])
    return F.when(F.size(texts) > 0, texts)


def _marked(kind: str, ids: Column) -> Column:
    marked = F.transform(ids, lambda one: F.struct(F.lit(kind).alias("kind"), one.alias("id")))
    return F.coalesce(marked, F.array().cast("array<struct<kind:string,id:string>>"))
