"""sample.truth: what every pin, product and query is really about, and the subjects that embeddings are made of."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, phrases, queries
from jobs.sample.plan import Plan


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """sample.truth: a row for every pin, product and query of the pool, on the first day."""
    found = subjects(spark, plan)
    topic = F.col("topic")
    return found.select(
        F.lit(plan.days.first).alias("ds"),
        "entity_type",
        "entity_id",
        phrases.code(phrases.language(F.col("slot"))).alias("language"),
        phrases.topic_name(topic).alias("topic"),
        phrases.object_name(F.col("object")).alias("object"),
        phrases.color_name(F.col("color")).alias("color"),
        phrases.style_name(F.col("style")).alias("style"),
        queries.is_labelled(plan, topic).alias("labelled_topic"),
    )


def subjects(spark: SparkSession, plan: Plan) -> DataFrame:
    """Pins, products and queries as numbers: entity_type, entity_id, number, day (of its birth), slot, topic, object, color, style."""
    n = F.col("n")
    pins = entities.placed(plan.rows(spark, plan.pins, "n"), plan).withColumns(
        {"day": entities.birth(plan, n), "slot": entities.slot(plan, n)}
    )
    asked = queries.wished(plan.rows(spark, plan.queries, "n"), plan, n, "").withColumn("day", F.lit(0).cast("bigint"))
    return (
        _rows(pins, "pin", entities.pin_id(n))
        .unionByName(_rows(pins.where(entities.is_shopping(n)), "product", entities.product_id(n)))
        .unionByName(_rows(asked, "query", queries.text("")))
    )


def _rows(frame: DataFrame, kind: str, name: Column) -> DataFrame:
    numbers = ("day", "slot", "topic", "object", "color", "style")
    return frame.select(F.lit(kind).alias("entity_type"), name.alias("entity_id"), F.col("n").alias("number"), *numbers)
