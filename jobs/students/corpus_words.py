"""features.corpus_words: in how many entities' sources a word stands, frozen on the table's first day and on each month's first."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.matching import MADE_OF, matched_text
from features.words import words
from jobs.days import Days
from jobs.frozen import at_frozen, frozen_days
from schemas.features import CORPUS_WORDS


def build(pins: DataFrame, products: DataFrame, days: Days) -> DataFrame:
    """A row for every frozen day of the range, entity type, source and word of the entities that live on it."""
    frozen = frozen_days((pins, products), days)
    if frozen is None:
        return pins.sparkSession.createDataFrame([], CORPUS_WORDS.ddl)
    rows: DataFrame | None = None
    for kind, log in (("pin", pins), ("product", products)):
        types = dict(log.dtypes)
        texts = [F.struct(F.lit(source).alias("source"), matched_text(kind, source, types).alias("text")) for source in MADE_OF[kind]]
        one = at_frozen(log, frozen, (f"{kind}_id",)).select("frozen", F.lit(kind).alias("entity_type"), F.inline(F.array(*texts)))
        rows = one if rows is None else rows.unionByName(one)
    assert rows is not None
    by = ["frozen", "entity_type", "source"]
    read = rows.where(F.col("text").isNotNull()).select(*by, words(F.col("text")).alias("words")).where(F.size("words") > 0)
    totals = read.groupBy(*by).agg(F.count(F.lit(1)).alias("total_entities"), F.sum(F.size("words").cast("bigint")).alias("total_words"))
    spread = read.select(*by, F.explode(F.array_distinct("words")).alias("word"))
    counts = spread.groupBy(*by, "word").agg(F.count(F.lit(1)).alias("entities"))
    return counts.join(F.broadcast(totals), by).withColumnRenamed("frozen", "ds")
