"""texts.pins: every text source of a pin in its own column, and the text that a model reads."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.assembly import PinAssembly, assembled
from features.sources import listed, pointer, pointing
from jobs.cleaning import clean
from jobs.days import Days

PIN, PRODUCT, URL, IMAGE = ("pin_id",), ("product_id",), ("url",), ("image_id",)


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
    # Few on a night, and read for each of their sources: every one of them would find them anew among all pins.
    pins = logs.kept(logs.near(pins, touched, PIN))
    products = logs.kept(logs.near(products, pins, PRODUCT))
    urls = pins.select("link_url").union(products.select("link_url")).toDF("url")
    pages = logs.valued(logs.near(link_texts, urls, URL), URL, ("title", "description"))
    stays = logs.valued(logs.near(clicks, urls, URL), URL, ("long_clicks",))
    told = logs.valued(logs.near(captions, pins, IMAGE), IMAGE, ("caption",))
    merchants = logs.joined(
        pointer(pins, "pin_id", "product_id"), logs.valued(products, PRODUCT, ("link_url",)), PIN, {"product_id": "product_id"}
    )
    url, product_url = pointer(pins, "pin_id", "link_url"), merchants.select("ds", "pin_id", F.col("value.link_url").alias("link_url"))
    by_day = logs.merged(
        {
            "pin": logs.valued(pins, PIN, ("language", "title", "description")),
            "image": logs.joined(pointer(pins, "pin_id", "image_id"), told, PIN, {"image_id": "image_id"}),
            "page": logs.joined(url, pages, PIN, {"link_url": "url"}),
            "page_clicks": logs.joined(url, stays, PIN, {"link_url": "url"}),
            "product_page": logs.joined(product_url, pages, PIN, {"link_url": "url"}),
            "product_page_clicks": logs.joined(product_url, stays, PIN, {"link_url": "url"}),
            "boards": logs.valued(logs.near(boards, pins, PIN), PIN, ("titles",)),
            "queries": logs.valued(logs.near(queries, pins, PIN), PIN, ("queries",)),
        },
        PIN,
    )
    return assembled(_sources(by_day.where(F.col("ds") >= days.first)), params)


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
    texts, stays = logs.touched(link_texts, URL, first), logs.touched(clicks, URL, first)
    page = F.array("link_url")
    shops = pointing(products, "product_id", {"page": page}, {"page": texts.unionByName(stays)})
    shops = shops.unionByName(logs.touched(products, PRODUCT, first))
    pointers = {
        "page": page,
        # Clicks decide between pages: they matter where a pin has two, and move for many pages every night.
        "clicked": F.when(F.col("product_id").isNotNull(), page),
        "image": F.array("image_id"),
        "product": F.array("product_id"),
    }
    moved = {"page": texts, "clicked": stays, "image": logs.touched(captions, IMAGE, first), "product": shops}
    found = pointing(pins, "pin_id", pointers, moved)
    for own in (pins, boards, queries):
        found = found.unionByName(logs.touched(own, PIN, first))
    return found.distinct()


def _sources(states: DataFrame) -> DataFrame:
    """Every source in its own column, null where it is absent."""
    said = {"title": "pin.title", "description": "pin.description", "caption": "image.caption"}
    pages = {f"{page}_{name}": f"{page}.{name}" for page in ("page", "product_page") for name in ("title", "description")}
    return clean(states, **said, **pages).select(
        "ds",
        "pin_id",
        F.col("pin").isNull().alias("deleted"),
        F.col("pin.language").alias("language"),
        *said,
        _of_pages("title").alias("link_title"),
        _of_pages("description").alias("link_description"),
        listed(F.col("boards.titles"), "title").alias("board_titles"),
        listed(F.col("queries.queries"), "query").alias("engaged_queries"),
    )


def _of_pages(name: str) -> Column:
    """A text of the pin's page or its product's: of the one with more long clicks that has it, its own where they are equal."""
    own, merchant = F.col(f"page_{name}"), F.col(f"product_page_{name}")
    clicks, merchant_clicks = (F.coalesce(f"{page}_clicks.long_clicks", F.lit(0)) for page in ("page", "product_page"))
    return F.when(merchant_clicks > clicks, F.coalesce(merchant, own)).otherwise(F.coalesce(own, merchant))
