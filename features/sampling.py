"""Samples by hash: the same rows whenever they are drawn, and the chance that each had."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

_STEPS = 1 << 52
_FINE = 1_000


def share(*key: Column | str) -> Column:
    """A number of [0, 1) that only depends on the key: below p for a share p of all keys."""
    return F.pmod(F.xxhash64(*key), F.lit(_STEPS)) / float(_STEPS)


def capped(rows: DataFrame, group: Sequence[str], key: Sequence[str], most: int, seed: int) -> DataFrame:
    """At most so many rows of every group, drawn by the hash of their key, with `probability`, the chance that each had."""
    order = [F.xxhash64(*key, F.lit(seed)), *(F.col(name) for name in key)]
    rows = rows.withColumns(
        {
            "_place": F.row_number().over(W.partitionBy(*group).orderBy(*order)),
            "_all": F.count(F.lit(1)).over(W.partitionBy(*group)),
        }
    )
    chance = F.least(F.lit(1.0), F.lit(float(most)) / F.col("_all"))
    return rows.where(F.col("_place") <= most).withColumn("probability", chance).drop("_place", "_all")


def stratified(rows: DataFrame, key: Sequence[str], size: int, seed: int) -> DataFrame:
    """About `size` rows a day, each stratum's part by the square root of its rows; `probability` is multiplied by the chance of this draw.

    `rows`: (ds, stratum, key..., probability). Equal parts would spend a day's labels on the smallest strata, and parts by size nearly
    all of them on head queries in one language; the root stands between the two (power allocation, Bankier 1988, with power 1/2). Rows are
    drawn one by one, so that the chance is exact: a stratum's number varies around its part. What a small stratum cannot fill is not used.
    """
    # Whole numbers: sums of fractions depend on their order.
    counts = rows.groupBy("ds", "stratum").agg(F.count(F.lit(1)).alias("_rows"))
    counts = counts.withColumn("_root", F.floor(F.sqrt(F.col("_rows").cast("double")) * _FINE))
    counts = counts.withColumn("_roots", F.sum("_root").over(W.partitionBy("ds")))
    part = F.lit(float(size)) * F.col("_root") / F.col("_roots")
    counts = counts.select("ds", "stratum", F.least(F.lit(1.0), part / F.col("_rows")).alias("_chance"))
    drawn = rows.join(F.broadcast(counts), ["ds", "stratum"]).where(share(*key, F.lit(seed)) < F.col("_chance"))
    return drawn.withColumn("probability", F.col("probability") * F.col("_chance")).drop("_chance")
