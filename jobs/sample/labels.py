"""raw.human_labels of the sample lake: three raters a pair, English queries of half of the topics."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, queries
from jobs.sample.plan import Plan, picked, quotient, spread
from jobs.sample.relevance import Subject, grade
from jobs.sample.vocabulary import ENGLISH, OBJECTS, OBJECTS_A_TOPIC, SLOTS

RATERS, RATERS_A_PAIR = 50, 3
PRODUCTS = 0.3
PAIRS_A_QUERY = 8
EXACT, UNKNOWN = 0.78, 0.01


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.human_labels: grades from the planted relevance, one off for about one rater in five, null for one in a hundred."""
    pair, n, product = F.col("pair"), F.col("n"), F.col("product")
    pairs = plan.rows(spark, plan.pairs, "pair").withColumn("choice", plan.below(_most(plan), "rated query", pair))
    pairs = pairs.withColumns({"q": _query(plan, F.col("choice")), "product": plan.chance(PRODUCTS, "rated product", pair)})
    pairs = queries.wished(pairs, plan, F.col("q"), "wanted_")
    pairs = pairs.withColumns({"aim": plan.share("rated aim", pair), "query": queries.text("wanted_")})
    pairs = pairs.withColumns(_aimed(plan, pair))
    drawn = entities.candidate(plan, F.col("aimed_object"), F.col("aimed_color"), product, "rated", pair)
    pairs = pairs.withColumn("n", drawn)
    dead = F.when(product, entities.death(plan, "product", n)).otherwise(entities.death(plan, "pin", n))
    pairs = pairs.withColumns({"born": entities.birth(plan, n), "dead": dead})
    pairs = pairs.withColumn("day", F.greatest(pair % F.lit(len(plan.days)), F.col("born")))
    pairs = entities.placed(pairs, plan).withColumn("true_grade", grade(Subject.of("wanted_"), Subject.of("")))
    # A filter would be pushed below the steps above and repeat them all; an empty array is not.
    real = (F.col("q") < plan.queries) & (n < plan.pins) & entities.is_alive(F.col("born"), F.col("dead"), F.col("day"))
    raters = F.when(real, F.array(*[F.lit(rater) for rater in range(RATERS_A_PAIR)]))
    rated = spread(pairs, raters, "rater")
    none = F.lit(None)
    return rated.select(
        plan.ds(F.col("day")).alias("ds"),
        F.concat_ws("-", F.concat(F.lit("l"), pair.cast("string")), F.col("rater").cast("string")).alias("label_id"),
        "query",
        F.when(product, "product").otherwise("pin").alias("entity_type"),
        F.when(product, entities.product_id(n)).otherwise(entities.pin_id(n)).alias("entity_id"),
        _given(plan, pair, F.col("rater"), F.col("true_grade")).alias("grade"),
        F.concat(F.lit("rater"), _rater(plan, pair, F.col("rater")).cast("string")).alias("rater_id"),
        none.cast("double").alias("grade_mean"),
        none.cast("double").alias("grade_std"),
        none.cast("int").alias("raters"),
        none.cast("string").alias("scale"),
    )


def _most(plan: Plan) -> int:
    """How many queries raters see."""
    return max(40, plan.pairs // PAIRS_A_QUERY)


def _query(plan: Plan, choice: Column) -> Column:
    """A query that people ask often, in English, of a topic that raters see: the head first, then the middle."""
    cells = tuple(
        (thing, slot)
        for thing in range(len(OBJECTS))
        if thing // OBJECTS_A_TOPIC in queries.labelled_topics(plan)
        for slot in range(ENGLISH.slots)
    )
    offset = plan.number("query order") % queries.TIER
    heads = sorted((thing * SLOTS + slot - offset) * queries.STRIDE_INVERSE % queries.TIER for thing, slot in cells)
    return picked(heads, choice % F.lit(len(heads))).cast("bigint") + quotient(choice, len(heads)) * F.lit(queries.TIER)


def _aimed(plan: Plan, pair: Column) -> dict[str, Column]:
    """Object and colour to draw an entity for, so that all grades occur: those wanted, the object, one of the topic, or any."""
    aim = F.col("aim")
    sibling = F.col("wanted_topic") * F.lit(OBJECTS_A_TOPIC) + plan.below(OBJECTS_A_TOPIC, "rated sibling", pair)
    thing = F.when(aim < 0.55, F.col("wanted_object")).when(aim < 0.8, sibling).otherwise(plan.below(len(OBJECTS), "rated any", pair))
    color = F.when((aim < 0.3) | ((aim > 0.55) & (aim < 0.67)), F.col("wanted_color"))
    return {"aimed_object": thing, "aimed_color": color}


def _given(plan: Plan, pair: Column, rater: Column, truth: Column) -> Column:
    """The grade a rater gives."""
    luck = plan.share("rater error", pair, rater)
    step = F.when(luck < EXACT, 0).when(luck < (1 + EXACT) / 2, 1).otherwise(-1)
    return F.when(~plan.chance(UNKNOWN, "rater unsure", pair, rater), F.least(F.greatest(truth + step, F.lit(1)), F.lit(5)).cast("int"))


def _rater(plan: Plan, pair: Column, rater: Column) -> Column:
    """Three different raters for a pair."""
    return (plan.below(RATERS, "rater", pair) + rater * F.lit(17)) % F.lit(RATERS)
