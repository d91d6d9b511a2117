"""features.queries: what people engaged with after the queries of a day's labelled pairs."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.engagement import PAIR, engagements
from features.words import words
from jobs.labelled import labelled_pairs

INTERESTS = 20


def build(candidates: DataFrame, examples: DataFrame, totals: DataFrame, entities: DataFrame) -> DataFrame:
    """A row for every day and query of a labelled pair; `totals` and `entities` as of 15 days earlier."""
    wanted = logs.kept(labelled_pairs(candidates, examples).select("ds", "query").distinct())
    engaged = _engaged(wanted, totals, entities)
    by_interest = engaged.where(F.col("interest").isNotNull()).groupBy("ds", "query", "interest").agg(F.sum("n").alias("engagements"))
    place = F.row_number().over(W.partitionBy("ds", "query").orderBy(F.desc("engagements"), "interest"))
    first = by_interest.withColumn("_place", place).where(F.col("_place") <= INTERESTS)
    ranked = F.sort_array(F.collect_list(F.struct("_place", "interest", "engagements")))
    interests = first.groupBy("ds", "query").agg(F.transform(ranked, lambda one: one.dropFields("_place")).alias("interests"))
    by_language = engaged.where(F.col("language").isNotNull()).groupBy("ds", "query", "language").agg(F.sum("n").alias("n"))
    languages = by_language.groupBy("ds", "query").agg(F.max(F.struct("n", "language"))["language"].alias("language"))
    product = F.when(F.col("entity_type") == "product", F.col("n"))
    sums = engaged.groupBy("ds", "query").agg(F.sum("n").alias("engagements"), F.sum(product).alias("product_engagements"))
    found = wanted.withColumn("words", F.size(words(F.col("query"))))
    for part in (sums, languages, interests):
        found = found.join(part, ["ds", "query"], "left")
    return found.withColumns({name: F.coalesce(name, F.lit(0)) for name in ("engagements", "product_engagements")})


def _engaged(wanted: DataFrame, totals: DataFrame, entities: DataFrame) -> DataFrame:
    """(ds, query, entity_type, n, interest, language): what was done with each entity after each wanted query, and what that entity is."""
    own = logs.near(totals.where(F.col("entity_type").isin("pin", "product")), wanted, ("query",))
    valid = own.withColumn("_until", logs.until(PAIR)).where("not deleted")
    valid = valid.select(F.col("ds").alias("_from"), "_until", *PAIR, engagements().alias("n")).where("n > 0")
    within = (F.col("_from") <= F.col("ds")) & (F.col("ds") < F.col("_until"))
    engaged = logs.kept(wanted.join(valid, "query").where(within).select("ds", *PAIR, "n"))
    key = ("entity_type", "entity_id")
    known = logs.as_of(engaged.select("ds", *key).distinct(), entities, key, ("interest", "language"))
    return engaged.join(known, ["ds", *key], "left")
