"""texts.products: every text source of a product in its own column, and the text that a model reads."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.assembly import ProductAssembly, assembled
from features.sources import in_order, listed, pointer, pointing
from features.text import cleaned
from features.titles import folded
from jobs.days import Days, shifted
from udfs.text import repaired

PRODUCT, PIN, URL, IMAGE = ("product_id",), ("pin_id",), ("url",), ("image_id",)
POINT = ["product_id", "ds"]
WORDS = ("title", "description", "brand", "category", "size", "size_type", "canonical_desc")
LISTS = ("colors", "patterns", "materials", "product_types")
SAID = {**{name: f"product.{name}" for name in WORDS}, "link_title": "page.title", "link_description": "page.description"}
LISTED = {**{name: f"product.{name}" for name in LISTS}, "captions": "images.captions"}
BOARD_TITLES = 10


def build(
    products: DataFrame,
    pins: DataFrame,
    link_texts: DataFrame,
    captions: DataFrame,
    boards: DataFrame,
    queries: DataFrame,
    days: Days,
    params: ProductAssembly,
) -> DataFrame:
    """A state for every product and day on which one of its sources may have changed; a product with no source has the text ''."""
    queries = queries.where(F.col("entity_type") == "product").withColumnRenamed("entity_id", "product_id").drop("entity_type")
    touched = _touched(products, pins, link_texts, captions, boards, queries, days.first)
    # Few on a night, and read for each of their sources: every one of them would find them anew among all products.
    products = logs.kept(logs.near(products, touched, PRODUCT))
    # What is gathered from many is known on the days of its changes and, by this point, before the first of them.
    before = products.select("product_id").distinct().withColumn("ds", F.lit(shifted(days.first, -1)))
    url = pointer(products, "product_id", "link_url")
    pages = logs.valued(logs.near(link_texts, url.toDF("ds", "product_id", "url"), URL), URL, ("title", "description"))
    by_day = logs.merged(
        {
            "product": logs.valued(products, PRODUCT, (*WORDS, *LISTS)),
            "images": _captions(products, captions, days.first),
            "page": logs.joined(url, pages, PRODUCT, {"link_url": "url"}),
            "boards": _board_titles(logs.kept(_shown(pins, boards, products)), days.first, before),
            "queries": logs.valued(logs.near(queries, products, PRODUCT), PRODUCT, ("queries",)),
        },
        PRODUCT,
    )
    return assembled(_sources(by_day.where(F.col("ds") >= days.first)), params)


def _touched(
    products: DataFrame, pins: DataFrame, link_texts: DataFrame, captions: DataFrame, boards: DataFrame, queries: DataFrame, first: str
) -> DataFrame:
    """The distinct products with a change in one of their sources, in what they point to, or in a pin that shows them."""
    pointers = {"page": F.array("link_url"), "image": F.col("image_ids")}
    moved = {"page": logs.touched(link_texts, URL, first), "image": logs.touched(captions, IMAGE, first)}
    shown = pins.where(F.col("product_id").isNotNull()).select("pin_id", "product_id")
    moved_pins = logs.touched(pins, PIN, first).unionByName(logs.touched(boards, PIN, first))
    found = pointing(products, "product_id", pointers, moved)
    found = found.unionByName(logs.near(shown, moved_pins, PIN).select("product_id"))
    for own in (products, queries):
        found = found.unionByName(logs.touched(own, PRODUCT, first))
    return found.distinct()


def _captions(products: DataFrame, captions: DataFrame, first: str) -> DataFrame:
    """(ds, product_id, value): the captions of a product's images in their order, each once."""
    told = in_order(
        pointer(products, "product_id", "image_ids"),
        "product_id",
        "image_ids",
        logs.valued(captions, IMAGE, ("caption",)),
        "image_id",
        first,
    )
    return told.select("ds", "product_id", F.struct(F.array_distinct("value.all.caption").alias("captions")).alias("value"))


def _board_titles(shown: DataFrame, first: str, before: DataFrame) -> DataFrame:
    """(ds, product_id, value): the best titles of the boards that hold pins of a product.

    A title scores what it scores for all its pins together. Titles of one folded form are one, in the spelling that scores most.
    """
    held = logs.gathered(shown, PRODUCT, ("product_id", "pin_id"), first, before)
    # A point without titles keeps a row of nulls, which comes last where there are titles.
    each = held.select(*POINT, F.explode_outer("titles").alias("one")).select(*POINT, "one.title", "one.score")
    spelled = each.groupBy(*POINT, folded(F.col("title")).alias("folded"), "title").agg(F.sum("score").alias("score"))
    spelling = F.struct((-F.col("score")).alias("least"), "title")
    summed = spelled.groupBy(*POINT, "folded").agg(F.min(spelling)["title"].alias("title"), F.sum("score").alias("score"))
    place = F.row_number().over(W.partitionBy(*POINT).orderBy(F.desc_nulls_last("score"), "title"))
    best = summed.withColumn("place", place).where(F.col("place") <= BOARD_TITLES)
    ranked = F.array_sort(F.collect_list(F.when(F.col("title").isNotNull(), F.struct("place", "title"))))
    return best.groupBy(*POINT).agg(ranked.alias("titles")).select(*POINT, F.struct("titles").alias("value"))


def _shown(pins: DataFrame, boards: DataFrame, products: DataFrame) -> DataFrame:
    """(ds, product_id, pin_id, titles, deleted): the board titles of the pins that show a product, a log of its pins."""
    showing = logs.near(pins, products, PRODUCT)
    pins, boards = (logs.near(one, showing, PIN) for one in (pins, boards))
    by_pin = logs.merged({"pin": logs.valued(pins, PIN, ("product_id",)), "boards": logs.valued(boards, PIN, ("titles",))}, PIN)
    shows, titles = F.col("pin.product_id"), F.col("boards.titles")
    showed = F.lag(shows).over(W.partitionBy("pin_id").orderBy("ds"))
    rows = by_pin.select("ds", "pin_id", shows.alias("shows"), titles.alias("titles"), showed.alias("showed"))
    live = F.struct(F.col("shows").alias("product_id"), "titles", F.col("titles").isNull().alias("deleted"))
    none = F.lit(None).cast(rows.schema["titles"].dataType)
    left = F.struct(F.col("showed").alias("product_id"), none.alias("titles"), F.lit(True).alias("deleted"))
    left = F.when(~F.col("showed").eqNullSafe(F.col("shows")), left)
    both = rows.select("ds", "pin_id", F.inline(F.array_compact(F.array(live, left))))
    return both.where(F.col("product_id").isNotNull()).select("ds", "product_id", "pin_id", "titles", "deleted")


def _listed_once(texts: Column) -> Column:
    """The texts that are there, each once; null where none is."""
    each = F.array_distinct(F.array_compact(texts))
    return F.when(F.size(each) > 0, each)


def _sources(states: DataFrame) -> DataFrame:
    """Every source in its own column, null where it is absent."""
    # One expression for all: `cleaned` is a large one, and a plan has to be made of it every night. Python repairs a list as lines.
    words = F.array(*(repaired(F.col(source)) for source in SAID.values()))
    lists = [F.split(repaired(F.array_join(source, "\n")), "\n") for source in LISTED.values()]
    states = states.withColumn("clean", F.transform(F.array(words, *lists), lambda texts: F.transform(texts, cleaned)))
    return states.select(
        "ds",
        "product_id",
        F.col("product").isNull().alias("deleted"),
        *(F.col("clean")[0][n].alias(name) for n, name in enumerate(SAID)),
        *(_listed_once(F.col("clean")[n]).alias(name) for n, name in enumerate(LISTED, 1)),
        listed(F.col("boards.titles"), "title").alias("board_titles"),
        listed(F.col("queries.queries"), "query").alias("engaged_queries"),
    )
