"""raw.product_updates of the sample lake: the products of the shopping pins."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, phrases, pins
from jobs.sample.plan import Plan, picked
from jobs.sample.vocabulary import LANGUAGES
from jobs.sample.wording import BRANDS, MATERIALS, SIZE_TYPES, SIZES

MOST_VIEWS = 2
# How often a merchant fills a field.
FILLED = {
    "title": 0.98,
    "description": 0.85,
    "brand": 0.8,
    "category": 0.9,
    "price": 0.95,
    "colors": 0.9,
    "size": 0.6,
    "size_type": 0.5,
    "patterns": 0.6,
    "materials": 0.7,
    "product_types": 0.9,
    "canonical_desc": 0.6,
    "image_ids": 0.97,
    "link_url": 0.92,
}


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.product_updates: every field is filled for most products and missing for some; a new version changes the price and some words."""
    n = F.col("n")
    products = plan.rows(spark, plan.pins, "n").where(entities.is_shopping(n))
    known = phrases.told(entities.timeline(products, plan, "product"), plan).withColumn(
        "noun", phrases.phrase(F.col("language"), F.col("object"), F.lit(None), F.lit(None))
    )
    values = _values(plan, n, F.col("version"))
    known = known.withColumns({"main": pins.image_of(plan, n), "views": views(plan, n)})
    filled = {name: F.when(~F.col("deleted") & _is_filled(plan, name, n), value).alias(name) for name, value in values.items()}
    return known.select(
        plan.ds(F.col("day")).alias("ds"),
        entities.product_id(n).alias("product_id"),
        *filled.values(),
        "deleted",
    )


def _is_filled(plan: Plan, name: str, n: Column) -> Column:
    field = "price" if name == "currency" else name
    return plan.chance(FILLED[field], f"filled {field}", n)


def _values(plan: Plan, n: Column, version: Column) -> dict[str, Column]:
    brand = picked(BRANDS, plan.below(len(BRANDS), "brand", n))
    choice = (plan.below(3, "product words", n) + version) % F.lit(3)
    cents = plan.below(20_000, "price", n, version) + F.lit(99)
    material = picked(MATERIALS, plan.below(len(MATERIALS), "material", n))
    materials = F.when(plan.chance(0.3, "blend", n), F.array(material, F.lit("recycled fibre"))).otherwise(F.array(material))
    return {
        "title": F.concat_ws(" ", brand, phrases.capitalised(F.col("words"))),
        "description": F.concat(F.lit("<p>"), phrases.said("descriptions", choice), F.lit("</p>")),
        "brand": brand,
        "category": F.concat_ws(" > ", F.col("topic_words"), phrases.capitalised(F.col("noun"))),
        "price": (cents.cast("decimal(16,0)") * F.lit("0.01").cast("decimal(3,2)")).cast("decimal(18,2)"),
        "currency": picked([spoken.currency for spoken in LANGUAGES], F.col("language")),
        "colors": F.array(phrases.color_name(F.col("color"))),
        "size": picked(SIZES, plan.below(len(SIZES), "size", n)),
        "size_type": picked(SIZE_TYPES, plan.below(len(SIZE_TYPES), "size type", n)),
        "patterns": F.array(phrases.style_name(F.col("style"))),
        "materials": materials,
        "product_types": F.array(phrases.topic_name(F.col("topic")), phrases.object_name(F.col("object"))),
        "canonical_desc": phrases.said("paragraphs", F.lit(2)),
        "image_ids": F.transform(F.sequence(F.lit(0), F.col("views")), lambda view: pins.image_id(_shown(n, view), view)),
        "link_url": pins.url(plan, n, F.lit(0)),
    }


def _shown(n: Column, view: Column) -> Column:
    return F.when(view > 0, n).otherwise(F.col("main"))


def views(plan: Plan, n: Column) -> Column:
    """How many further images a product has beside its main one (int)."""
    return plan.below(MOST_VIEWS + 1, "views", n).cast("int")
