"""texts.pins: every text source of a pin in its own column, and the text that a model reads."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.assembly import PinAssembly, assembled
from features.sources import described, listed, pointing
from features.text import cleaned
from jobs.days import Days

PIN, PRODUCT = ("pin_id",), ("product_id",)


def build(
    pins: DataFrame,
    products: DataFrame,
    link_texts: DataFrame,
    clicks: DataFrame,
    captions: DataFrame,
    boards: DataFrame,
    queries: DataFrame,
    days: Days,
    params: PinAssembly,
) -> DataFrame:
    """A state for every pin and day on which one of its sources may have changed; a pin with no source has the text ''."""
    queries = queries.where(F.col("entity_type") == "pin").withColumnRenamed("entity_id", "pin_id").drop("entity_type")
    touched = _touched(pins, products, link_texts, clicks, captions, boards, queries, days.first)
    pins = pins.join(touched, "pin_id", "left_semi")
    image, url = _pointer(pins, "image_id"), _pointer(pins, "link_url")
    products = products.join(pins.select("product_id").distinct(), "product_id", "left_semi")
    merchants = logs.joined(_pointer(pins, "product_id"), logs.valued(products, PRODUCT, ("link_url",)), PIN, {"product_id": "product_id"})
    product_url = merchants.select("ds", "pin_id", F.col("value.link_url").alias("link_url"))
    pages = _pages(link_texts, clicks, url.unionByName(product_url).select(F.col("link_url").alias("url")))
    by_day = logs.merged(
        {
            "pin": logs.valued(pins, PIN, ("language", "title", "description")),
            "image": logs.joined(image, described(captions, "image_id", ("caption",), image), PIN, {"image_id": "image_id"}),
            "page": logs.joined(url, pages, PIN, {"link_url": "url"}),
            "product_page": logs.joined(product_url, pages, PIN, {"link_url": "url"}),
            "boards": logs.valued(boards.join(touched, "pin_id", "left_semi"), PIN, ("titles",)),
            "queries": logs.valued(queries.join(touched, "pin_id", "left_semi"), PIN, ("queries",)),
        },
        PIN,
    )
    return assembled(_sources(by_day.where(F.col("ds") >= days.first)), params)


def _pointer(pins: DataFrame, name: str) -> DataFrame:
    """(ds, pin_id, name): what the pin points to, null where it is deleted."""
    return pins.select("ds", "pin_id", F.when(~F.col("deleted"), F.col(name)).alias(name))


def _touched(
    pins: DataFrame,
    products: DataFrame,
    link_texts: DataFrame,
    clicks: DataFrame,
    captions: DataFrame,
    boards: DataFrame,
    queries: DataFrame,
    first: str,
) -> DataFrame:
    """The distinct pins with a change in one of their sources, or in what they point to."""
    texts, stays = logs.touched(link_texts, ("url",), first), logs.touched(clicks, ("url",), first)
    page = F.array("link_url")
    # Clicks decide between pages: they matter where a pin has two, and move for many pages every night.
    moved = {"page": texts, "clicked": stays}
    shops = pointing(products, "product_id", {"page": page, "clicked": page}, moved).unionByName(logs.touched(products, PRODUCT, first))
    pointers = {
        "page": page,
        "clicked": F.when(F.col("product_id").isNotNull(), page).otherwise(F.array().cast("array<string>")),
        "image": F.array("image_id"),
        "product": F.array("product_id"),
    }
    found = pointing(pins, "pin_id", pointers, {**moved, "image": logs.touched(captions, ("image_id",), first), "product": shops})
    for own in (pins, boards, queries):
        found = found.unionByName(logs.touched(own, PIN, first))
    return found.distinct()


def _pages(link_texts: DataFrame, clicks: DataFrame, urls: DataFrame) -> DataFrame:
    """The log of these pages: (ds, url, value), the value its title, description and long clicks."""
    stays = clicks.join(urls.distinct(), "url", "left_semi")
    said = {"text": described(link_texts, "url", ("title", "description"), urls), "clicks": logs.valued(stays, ("url",), ("long_clicks",))}
    both = logs.merged(said, ("url",))
    clicked = F.coalesce("clicks.long_clicks", F.lit(0)).alias("long_clicks")
    return both.select("ds", "url", F.struct("text.title", "text.description", clicked).alias("value"))


def _of_pages(name: str) -> Column:
    """A text of the pin's page or its product's: of the one with more long clicks that has it, its own where they are equal."""
    own, merchant = F.col(f"page.{name}"), F.col(f"product_page.{name}")
    # Null, and so not true, where there is only one page.
    return F.when(F.col("product_page.long_clicks") > F.col("page.long_clicks"), F.coalesce(merchant, own)).otherwise(
        F.coalesce(own, merchant)
    )


def _sources(states: DataFrame) -> DataFrame:
    """Every source in its own column, null where it is absent."""
    # One expression for both: `cleaned` is a large one, and a plan has to be made of it every night.
    states = states.withColumn("clean", F.transform(F.array("pin.title", "pin.description"), cleaned))
    return states.select(
        "ds",
        "pin_id",
        F.col("pin").isNull().alias("deleted"),
        F.col("pin.language").alias("language"),
        F.col("clean")[0].alias("title"),
        F.col("clean")[1].alias("description"),
        F.col("image.caption").alias("caption"),
        _of_pages("title").alias("link_title"),
        _of_pages("description").alias("link_description"),
        listed(F.col("boards.titles"), "title").alias("board_titles"),
        listed(F.col("queries.queries"), "query").alias("engaged_queries"),
    )
