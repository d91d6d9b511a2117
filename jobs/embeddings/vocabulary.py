"""features.vocabulary: the trigrams, words and pairs of words that the joint embedding knows, counted over all that lives on a day."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.entities import ENTITY
from jobs.days import Days
from schemas.embeddings import GRAMS, NAMES, VOCABULARY
from udfs.bags import token_counts


@dataclass(frozen=True)
class VocabularyParams:
    """How many tokens of each kind are known (arXiv 2404.16260, 3.3.2); ValueError where it makes no sense."""

    char_trigrams: int = 64_000
    unigrams: int = 200_000
    bigrams: int = 1_000_000
    least: int = 2
    """A token that comes less often is left out: its weights would hardly learn."""

    def __post_init__(self) -> None:
        if min(self.char_trigrams, self.unigrams, self.bigrams, self.least) < 1:
            raise ValueError("char_trigrams, unigrams, bigrams and least are at least 1")

    @property
    def most(self) -> dict[str, int]:
        """How many tokens by kind."""
        return dict(zip(GRAMS, (self.char_trigrams, self.unigrams, self.bigrams), strict=True))


def build(inputs: DataFrame, days: Days, params: VocabularyParams) -> DataFrame:
    """The most frequent tokens of each kind for every day, numbered from the most frequent on; of equals the smaller one comes first."""
    found = inputs.sparkSession.createDataFrame([], VOCABULARY.ddl)
    lives = inputs.withColumn("_until", logs.until(ENTITY)).where("not deleted")
    for day in days:
        now = lives.where((F.col("ds") <= day) & (F.col("_until") > day)).select(*NAMES)
        counts = token_counts(now).groupBy("gram", "token").agg(F.sum("n").alias("n")).where(F.col("n") >= params.least)
        found = found.unionByName(_numbered(logs.kept(counts), params).withColumn("ds", F.lit(day)))
    return found


def _numbered(counts: DataFrame, params: VocabularyParams) -> DataFrame:
    """(gram, token, n, idx) of as many as are wanted of each kind."""
    most = F.coalesce(*(F.when(F.col("gram") == gram, F.lit(size)) for gram, size in params.most.items()))
    # Which counts are large enough is told by how many tokens have each count: all tokens need not be sorted in one place.
    by_count = counts.groupBy("gram", "n").agg(F.count(F.lit(1)).alias("_tokens"))
    above = F.sum("_tokens").over(W.partitionBy("gram").orderBy(F.desc("n"))) - F.col("_tokens")
    enough = by_count.withColumn("_above", above).where(F.col("_above") < most).groupBy("gram").agg(F.min("n").alias("_least"))
    known = counts.join(F.broadcast(enough), "gram").where(F.col("n") >= F.col("_least"))
    idx = F.row_number().over(W.partitionBy("gram").orderBy(F.desc("n"), "token")) - 1
    return known.withColumn("idx", idx.cast("bigint")).where(F.col("idx") < most).select("gram", "token", "n", "idx")
