"""features.entity_inputs: what the joint embedding reads of a pin or product, fields of text and embeddings that exist already."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.fields import bounded, input_hash, item_fields, pin_fields, product_fields
from features.sources import in_order, pointer, pointing
from jobs.days import Days
from schemas import texts
from udfs.vectors import as_halves

PIN, PRODUCT, IMAGE = ("pin_id",), ("product_id",), ("image_id",)


def build(
    pin_texts: DataFrame, product_texts: DataFrame, pins: DataFrame, products: DataFrame, embeddings: DataFrame, days: Days
) -> DataFrame:
    """A state for every entity and day on which its text, its page, its product or one of their embeddings changed; one whose text is
    gone is gone."""
    visuals, seen = _named(embeddings, "image", "visual"), _named(embeddings, "image", "pinsage")
    graphs, items = _named(embeddings, "pin", "pinsage"), _named(embeddings, "product", "itemsage")
    moved = _moved(pin_texts, product_texts, pins, products, visuals.union(seen), graphs, items, days.first)
    touched_pins, touched_products = (logs.kept(one) for one in moved)
    pins = logs.kept(logs.near(pins, touched_pins, PIN))
    ids = logs.kept(pins.where("product_id is not null").select("product_id").union(touched_products).distinct())
    products = logs.kept(logs.near(products, ids, PRODUCT))
    goods = logs.kept(_goods(logs.near(product_texts, ids, PRODUCT), products, logs.near(items, ids, PRODUCT)))
    both = logs.merged({"visual": logs.valued(visuals, IMAGE, ("bits",)), "graph": logs.valued(seen, IMAGE, ("vector",))}, IMAGE)
    images = both.select("ds", "image_id", F.struct("visual.bits", "graph.vector").alias("value"))
    of_pins = _pins(logs.near(pin_texts, touched_pins, PIN), pins, goods, images, logs.near(graphs, touched_pins, PIN))
    of_products = _products(logs.near(goods, touched_products, PRODUCT), logs.near(products, touched_products, PRODUCT), images, days.first)
    rows = of_pins.unionByName(of_products).where(F.col("ds") >= days.first)
    return rows.withColumn("input_hash", F.when(~F.col("deleted"), input_hash()))


def _named(embeddings: DataFrame, kind: str, name: str) -> DataFrame:
    """(ds, KIND_id, vector, bits, deleted): the embeddings of one name as a log by what they are of."""
    rows = embeddings.where((F.col("entity_type") == kind) & (F.col("name") == name))
    return rows.select("ds", F.col("entity_id").alias(f"{kind}_id"), "vector", "bits", "deleted")


def _moved(
    pin_texts: DataFrame,
    product_texts: DataFrame,
    pins: DataFrame,
    products: DataFrame,
    images: DataFrame,
    graphs: DataFrame,
    items: DataFrame,
    first: str,
) -> tuple[DataFrame, DataFrame]:
    """(pin_id) and (product_id), each once: what changed itself, or points to what did."""
    seen, goods = logs.touched(images, IMAGE, first), logs.touched(product_texts, PRODUCT, first)
    for own in (products, items):
        goods = goods.union(logs.touched(own, PRODUCT, first))
    found = pointing(pins, "pin_id", {"image": F.array("image_id"), "product": F.array("product_id")}, {"image": seen, "product": goods})
    for own in (pin_texts, pins, graphs):
        found = found.union(logs.touched(own, PIN, first))
    shown = pointing(products, "product_id", {"image": F.col("image_ids")}, {"image": seen})
    return found.distinct(), goods.union(shown).distinct()


def _goods(product_texts: DataFrame, products: DataFrame, items: DataFrame) -> DataFrame:
    """(ds, product_id, value): of each product its text sources, OF_ITEM and its own embedding; null where it has no text."""
    by_day = logs.merged(
        {
            "text": logs.valued(product_texts, PRODUCT, texts.PRODUCT_SOURCES),
            "page": logs.valued(products, PRODUCT, ("link_url",)),
            "own": logs.valued(items, PRODUCT, ("vector",)),
        },
        PRODUCT,
    )
    said = F.struct(*(value.alias(name) for name, value in item_fields("text", F.col("page.link_url")).items()))
    value = F.struct("text", said.alias("said"), as_halves(F.col("own.vector")).alias("item"))
    return by_day.select("ds", "product_id", F.when(F.col("text").isNotNull(), value).alias("value"))


def _pins(pin_texts: DataFrame, pins: DataFrame, goods: DataFrame, images: DataFrame, graphs: DataFrame) -> DataFrame:
    """(ds, entity_type, entity_id, NAMES, VECTORS, deleted) of the pins."""
    of_product = goods.select("ds", "product_id", F.struct("value.said", "value.item").alias("value"))
    by_day = logs.merged(
        {
            "text": logs.valued(pin_texts, PIN, texts.SOURCES),
            "pin": logs.valued(pins, PIN, ("link_url",)),
            "goods": logs.joined(pointer(pins, "pin_id", "product_id"), of_product, PIN, {"product_id": "product_id"}),
            "image": logs.joined(pointer(pins, "pin_id", "image_id"), logs.near(images, pins, IMAGE), PIN, {"image_id": "image_id"}),
            "graph": logs.valued(graphs, PIN, ("vector",)),
        },
        PIN,
    )
    fields = pin_fields("text", "goods.said", F.col("pin.link_url"))
    return _rows(by_day, "pin", fields, as_halves(F.col("graph.vector")), F.col("image.bits"))


def _products(goods: DataFrame, products: DataFrame, images: DataFrame, first: str) -> DataFrame:
    """The same of the products."""
    shown = in_order(pointer(products, "product_id", "image_ids"), "product_id", "image_ids", images, "image_id", first)
    by_day = logs.merged({"goods": goods, "images": shown}, PRODUCT)
    fields = product_fields("goods.text", "goods.said")
    graphs = as_halves(F.flatten(F.array_compact("images.all.vector")))
    bits = F.aggregate(F.array_compact("images.all.bits"), F.lit(b""), lambda so_far, one: F.concat(so_far, one))
    return _rows(by_day.withColumn("text", F.col("goods.text")), "product", fields, graphs, bits)


def _rows(by_day: DataFrame, kind: str, fields: dict[str, Column], graphs: Column, visuals: Column) -> DataFrame:
    several = by_day.withColumns({"_said": bounded(fields), "graphs": graphs, "visuals": visuals})
    return several.select(
        "ds",
        F.lit(kind).alias("entity_type"),
        F.col(f"{kind}_id").alias("entity_id"),
        "_said.*",
        _some("graphs"),
        F.col("goods.item").alias("item"),
        _some("visuals"),
        F.col("text").isNull().alias("deleted"),
    )


def _some(name: str) -> Column:
    """The column, null where it is of no bytes: an entity whose images have none."""
    return F.when(F.length(name) > 0, F.col(name)).alias(name)
