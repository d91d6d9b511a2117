"""Text sources of pins and products: what others say of what they point to, and lists of what people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.text import cleaned


def described(log: DataFrame, key: str, values: Sequence[str], pointed: DataFrame) -> DataFrame:
    """(ds, key, value): the log of the texts of those keys that `pointed` has, cleaned once for all that point to them."""
    near = log.join(pointed.select(key).distinct(), key, "left_semi")
    # One expression for all texts: `cleaned` is a large one, and a plan has to be made of it every night.
    near = near.withColumn("_clean", F.transform(F.array(*values), cleaned))
    near = near.withColumns({name: F.col("_clean")[n] for n, name in enumerate(values)})
    return logs.valued(near, (key,), values)


def pointing(log: DataFrame, key: str, pointers: Mapping[str, Column], moved: Mapping[str, DataFrame]) -> DataFrame:
    """(key): the entities of which a row points to something that moved, once a row; one pass over the log for all kinds of pointers.

    `pointers`: by kind, an array of the ids that a row points to; `moved`: by kind, a frame of one column of ids.
    """
    kinds = [F.transform(ids, lambda one: F.struct(F.lit(kind).alias("kind"), one.alias("id"))) for kind, ids in pointers.items()]  # noqa: B023
    at = log.select(key, F.explode(F.concat(*kinds)).alias("_at")).where("_at.id is not null")
    gone: DataFrame | None = None
    for kind, ids in moved.items():
        part = ids.toDF("id").select(F.lit(kind).alias("kind"), "id")
        gone = part if gone is None else gone.unionByName(part)
    if gone is None:
        raise ValueError("pointing needs at least one kind")
    return at.select(key, "_at.kind", "_at.id").join(gone, ["kind", "id"], "left_semi").select(key)


def listed(ranked: Column, name: str) -> Column:
    """The texts `name` of an array of structs, in its order; null where there is none."""
    texts = F.transform(ranked, lambda one: one[name])
    return F.when(F.size(texts) > 0, texts)
