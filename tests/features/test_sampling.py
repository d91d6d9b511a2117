"""Samples by hash: their sizes, their chances, and that they are the same again."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.sampling import capped, share, stratified

SIZES = {"large": 90_000, "small": 10_000, "tiny": 4}


def pairs(spark: SparkSession) -> DataFrame:
    """Rows of one day in three strata."""
    parts = [spark.range(n).select(F.lit(name).alias("stratum"), F.concat(F.lit(name), "id").alias("key")) for name, n in SIZES.items()]
    rows = parts[0].unionByName(parts[1]).unionByName(parts[2])
    return rows.select(F.lit("2026-01-01").alias("ds"), "*", F.lit(1.0).alias("probability"))


def test_a_day_is_divided_by_the_roots_of_its_strata_and_weights_bring_their_sizes_back(spark: SparkSession) -> None:
    drawn = stratified(pairs(spark), ("key",), 4_000, 1).groupBy("stratum")
    found = {r.stratum: r for r in drawn.agg(F.count("*").alias("n"), F.sum(1 / F.col("probability")).alias("weight")).collect()}
    roots = {name: n**0.5 for name, n in SIZES.items()}
    assert found["tiny"].n == 4, "all of a stratum that is smaller than its part"
    for name in ("large", "small"):
        part = 4_000 * roots[name] / sum(roots.values())
        assert found[name].n == pytest.approx(part, abs=4 * part**0.5)
        assert found[name].weight == pytest.approx(SIZES[name], rel=0.15)


def test_the_same_rows_are_drawn_again_and_others_with_another_seed(spark: SparkSession) -> None:
    one, again = (stratified(pairs(spark).repartition(n), ("key",), 4_000, 1) for n in (1, 7))
    assert one.exceptAll(again).isEmpty()
    assert again.exceptAll(one).isEmpty()
    other = stratified(pairs(spark), ("key",), 4_000, 2)
    assert one.join(other, "key", "left_semi").count() < 0.4 * one.count()


def test_a_group_keeps_at_most_so_many_and_says_what_chance_they_had(spark: SparkSession) -> None:
    rows = spark.range(1_010).select(F.when(F.col("id") < 10, "few").otherwise("many").alias("query"), F.col("id").alias("key"))
    found = capped(rows, ("query",), ("key",), 25, 1)
    counts = {(r.query, r.probability): r.n for r in found.groupBy("query", "probability").agg(F.count("*").alias("n")).collect()}
    assert counts == {("few", 1.0): 10, ("many", 0.025): 25}
    assert capped(rows.repartition(5), ("query",), ("key",), 25, 1).exceptAll(found).isEmpty()


def test_shares_are_spread_evenly(spark: SparkSession) -> None:
    rows = spark.range(10_000).select(share("id", F.lit(3)).alias("share"))
    assert rows.where("share < 0 or share >= 1").isEmpty()
    assert rows.where("share < 0.2").count() == pytest.approx(2_000, abs=160)
