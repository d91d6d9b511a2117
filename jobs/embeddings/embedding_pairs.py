"""training.embedding_pairs: which pairs of a query and an entity trainers were given, so that no entity is in more than its share."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.pairs import PAIR_KEY, engaged_pairs, hashed
from schemas.embeddings import TASKS

ENTITY = ("task", "entity_hash")


@dataclass(frozen=True)
class EmbeddingPairParams:
    """How many pairs of an entity trainers are given at most (public code of arXiv 2404.16260); ValueError where it makes no sense.

    An entity that everybody finds would else be most of what is learnt.
    """

    pin_most: int = 50
    product_most: int = 200
    query_most: int = 50

    def __post_init__(self) -> None:
        if min(self.pin_most, self.product_most, self.query_most) < 1:
            raise ValueError("pin_most, product_most and query_most are at least 1")


def build(daily: DataFrame, public: DataFrame, given: DataFrame, params: EmbeddingPairParams) -> DataFrame:
    """A row for every pair on the first day on which people engaged with it while its query was public, until its entity has its share.

    Of the pairs that come on one day those with the smallest hash are taken.
    """
    pairs = engaged_pairs(daily, public, tuple(TASKS)).withColumn("entity_hash", hashed("entity_type", "entity_id"))
    pairs = logs.kept(pairs.groupBy(*PAIR_KEY, "entity_type", "entity_hash").agg(F.min("ds").alias("ds")))
    before = logs.near(given, pairs, ENTITY)
    counts = before.groupBy(*ENTITY).agg(F.count(F.lit(1)).alias("_given"))
    new = pairs.join(before.select(*PAIR_KEY), list(PAIR_KEY), "left_anti").join(counts, list(ENTITY), "left")
    most = F.lit(params.product_most)
    for kind, limit in (("pin", params.pin_most), ("query", params.query_most)):
        most = F.when(F.col("entity_type") == kind, F.lit(limit)).otherwise(most)
    place = F.row_number().over(W.partitionBy(*ENTITY).orderBy("ds", "pair_hash")) + F.coalesce("_given", F.lit(0))
    new = new.withColumn("place", place.cast("int")).where(F.col("place") <= most)
    return new.select("ds", *PAIR_KEY, "entity_hash", "place", F.lit(False).alias("deleted"))
