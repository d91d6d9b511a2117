"""Text sources of pins and products: which entities point to something that changed, and lists of what people did."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


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


def listed(ranked: Column, name: str) -> Column:
    """The texts `name` of an array of structs, in its order; null where there is none."""
    texts = F.transform(ranked, lambda one: one[name])
    return F.when(F.size(texts) > 0, texts)


def _marked(kind: str, ids: Column) -> Column:
    marked = F.transform(ids, lambda one: F.struct(F.lit(kind).alias("kind"), one.alias("id")))
    return F.coalesce(marked, F.array().cast("array<struct<kind:string,id:string>>"))
