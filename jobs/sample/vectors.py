"""raw.entity_embeddings of the sample lake: what other teams would have computed, correlated with the planted subjects."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, media, pins, truth
from jobs.sample.plan import Plan, spread
from udfs.sample_media import subject_bits, subject_vector

SUBJECT = ("topic", "object", "color", "style")


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.entity_embeddings: pinsage, itemsage, searchsage (256 numbers) and visual (1024 bits), on the day the entity appears."""
    known = truth.subjects(spark, plan)
    kind = F.col("entity_type")
    own = F.when(kind == "pin", F.lit("pinsage")).when(kind == "product", F.lit("itemsage"))
    named = spread(known, F.array(own, F.lit("searchsage")), "name").withColumns(
        {
            "space": F.xxhash64(F.lit(plan.number("space")), F.col("name")),
            "noise": F.xxhash64(F.lit(plan.number("noise")), F.col("name"), kind, F.col("number")),
        }
    )
    texts = named.select(*_columns(plan, subject_vector("space", "noise", *SUBJECT), F.lit(None).cast("binary")))
    return texts.unionByName(_images(spark, plan))


def _images(spark: SparkSession, plan: Plan) -> DataFrame:
    """The visual embedding of every image, and its pinsage."""
    n, view = F.col("n"), F.col("view")
    images = entities.placed(media.image_rows(spark, plan), plan).withColumns(
        {"entity_type": F.lit("image"), "entity_id": pins.image_id(n, view)}
    )
    spaces = {
        "visual": F.lit(plan.number("visual space")).cast("bigint"),
        "pinsage": F.xxhash64(F.lit(plan.number("space")), F.lit("pinsage")),
    }
    named = (images.withColumns({"name": F.lit(name), "space": space}) for name, space in spaces.items())
    visual, graph = (one.withColumn("noise", plan.draw(name, n, view)) for one, name in zip(named, spaces, strict=True))
    bits = visual.select(*_columns(plan, F.lit(None).cast("array<float>"), subject_bits("space", "noise", *SUBJECT)))
    return bits.unionByName(graph.select(*_columns(plan, subject_vector("space", "noise", *SUBJECT), F.lit(None).cast("binary"))))


def _columns(plan: Plan, vector: Column, bits: Column) -> list[Column]:
    names = [F.col("entity_type"), F.col("entity_id"), F.col("name")]
    return [plan.ds(F.col("day")).alias("ds"), *names, vector.alias("vector"), bits.alias("bits")]
