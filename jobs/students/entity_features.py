"""features.entities: what is known of a pin or product, beside its text."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.engagement import COUNTS, PAIR
from features.matching import MADE_OF
from features.sources import pointing
from jobs.days import Days, shifted
from schemas.features import ENTITIES, KINDS

KEY = ENTITIES.key
BUILT = ("language", "interest", "present", "born", *COUNTS)


def build(
    pin_texts: DataFrame,
    product_texts: DataFrame,
    pins: DataFrame,
    products: DataFrame,
    totals: DataFrame,
    entities: DataFrame,
    days: Days,
) -> DataFrame:
    """A state for every entity and day on which one of its texts, its product's category or its engagements changed; one whose text is
    gone is gone."""
    texts = {"pin": pin_texts, "product": product_texts}
    totals = totals.where(F.col("entity_type").isin(*KINDS))
    touched = logs.kept(_touched(texts, pins, products, totals, days.first))
    opened = entities.withColumn("ds", F.lit(shifted(days.first, -1)))  # where the opening rows of the other logs stand
    found: DataFrame | None = None
    for kind in KINDS:
        one = _states(kind, texts[kind], pins, products, totals, opened, touched)
        found = one if found is None else found.unionByName(one)
    assert found is not None
    before = logs.near(entities, touched, KEY).select("ds", *KEY, *BUILT, "deleted")
    return before.unionByName(found.where(F.col("ds") >= days.first))


def _touched(texts: Mapping[str, DataFrame], pins: DataFrame, products: DataFrame, totals: DataFrame, first: str) -> DataFrame:
    """(entity_type, entity_id): whose own rows, counts or product changed in the range."""
    moved = logs.touched(products, ("product_id",), first)
    pointed = pointing(pins, "pin_id", {"product": F.array("product_id")}, {"product": moved})
    ids = {
        "pin": logs.touched(texts["pin"], ("pin_id",), first).union(logs.touched(pins, ("pin_id",), first)).union(pointed),
        "product": logs.touched(texts["product"], ("product_id",), first).union(moved),
    }
    rows = logs.touched(totals, KEY, first)
    for kind, some in ids.items():
        rows = rows.union(some.toDF("entity_id").select(F.lit(kind).alias("entity_type"), "entity_id"))
    return rows.distinct()


def _states(
    kind: str, texts: DataFrame, pins: DataFrame, products: DataFrame, totals: DataFrame, entities: DataFrame, touched: DataFrame
) -> DataFrame:
    """(ds, KEY, BUILT, deleted) of the touched entities of one kind."""
    key = f"{kind}_id"
    ids = touched.where(F.col("entity_type") == kind).select(F.col("entity_id").alias(key))
    category = F.trim(F.split_part("category", F.lit(">"), F.lit(1)))
    products = products.withColumn("interest", F.when(category != "", F.lower(category)))
    if kind == "product":
        about = logs.valued(logs.near(products, ids, (key,)), (key,), ("interest",))
    else:
        pointers = logs.near(pins, ids, (key,)).select("ds", key, F.when(~F.col("deleted"), F.col("product_id")).alias("product_id"))
        own = logs.near(products, pointers.where("product_id is not null"), ("product_id",))
        about = logs.joined(pointers, logs.valued(own, ("product_id",), ("interest",)), (key,), {"product_id": "product_id"})
    language = F.col("language") if "language" in texts.columns else F.lit(None).cast("string")
    near = logs.near(texts, ids, (key,)).withColumns({"language": language, "present": _present(kind)})
    of_kind = logs.near(totals.where(F.col("entity_type") == kind), ids.withColumnRenamed(key, "entity_id"), ("entity_id",))
    sums = logs.summed(of_kind, KEY, PAIR, COUNTS).select("ds", F.col("entity_id").alias(key), F.struct(*COUNTS).alias("value"))
    known = entities.where(F.col("entity_type") == kind).select("ds", F.col("entity_id").alias(key), "born", "deleted")
    parts = {
        "text": logs.valued(near, (key,), ("language", "present")),
        "about": about,
        "sums": sums,
        "known": logs.valued(logs.near(known, ids, (key,)), (key,), ("born",)),
    }
    rows = _with_birth(logs.merged(parts, (key,)), key)
    return rows.select(
        "ds",
        F.lit(kind).alias("entity_type"),
        F.col(key).alias("entity_id"),
        F.col("text.language").alias("language"),
        F.col("about.interest").alias("interest"),
        F.col("text.present").alias("present"),
        "born",
        *(F.coalesce(f"sums.{name}", F.lit(0)).alias(name) for name in COUNTS),
        F.col("text").isNull().alias("deleted"),
    )


def _with_birth(rows: DataFrame, key: str) -> DataFrame:
    """The rows with `born`: the first day with a text since the entity was last without one, as it is known from before where that is."""
    so_far = W.partitionBy(key).orderBy("ds").rowsBetween(W.unboundedPreceding, W.currentRow)
    rows = rows.withColumn("_deaths", F.count_if(F.col("text").isNull()).over(so_far))
    since = F.min(F.when(F.col("text").isNotNull(), F.col("ds"))).over(W.partitionBy(key, "_deaths"))
    return rows.withColumn("born", F.coalesce(F.when(F.col("_deaths") == 0, F.col("known.born")), since)).drop("_deaths")


def _present(kind: str) -> Column:
    """Which of MATCHED an entity has, of the sources that its text has."""
    have = [
        F.when(F.arrays_overlap("sources", F.array(*(F.lit(s) for s in made))), F.lit(source)) for source, made in MADE_OF[kind].items()
    ]
    return F.array_compact(F.array(*have))
