"""raw.images and raw.link_pages of the sample lake: what pins show and where they lead."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, phrases, pins, products
from jobs.sample.plan import DAY_SECONDS, Plan, spread
from jobs.sample.vocabulary import LANGUAGES
from jobs.sample.wording import WORDING
from udfs.sample_media import drawn_image, written_page

CORRUPT_IMAGES = 0.005
GARBAGE_PAGES = 0.01
REFETCHED = 0.12
GONE_AT_REFETCH = 0.15


def image_rows(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every image once, on the day of the pin that brought it: n, view, day."""
    n = F.col("n")
    own = pins.image_of(plan, n) == n
    further = F.when(entities.is_shopping(n), products.views(plan, n)).otherwise(0)
    views = F.filter(F.sequence(F.lit(0), further), lambda view: own | (view > 0))
    images = spread(plan.rows(spark, plan.pins, "n"), views, "view")
    return images.select("n", F.col("view").cast("bigint").alias("view"), entities.birth(plan, n).alias("day"))


def build_images(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.images: small PNG and JPEG files of the object in its colour and style, half a percent of them broken."""
    n, view = F.col("n"), F.col("view")
    drawn = entities.placed(image_rows(spark, plan), plan).withColumns(
        {
            "shape": phrases.object_name(F.col("object")),
            "paint": phrases.color_name(F.col("color")),
            "pattern": phrases.style_name(F.col("style")),
            "draw": plan.draw("image", n, view),
            "corrupt": plan.chance(CORRUPT_IMAGES, "corrupt image", n, view),
        }
    )
    return drawn.select(
        plan.ds(F.col("day")).alias("ds"),
        pins.image_id(n, view).alias("image_id"),
        drawn_image("shape", "paint", "pattern", "draw", "corrupt").alias("image"),
        F.lit(None).cast("string").alias("uri"),
    )


def page_rows(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every fetch of a page: n (the pin it is about), edit (changes of the address), day, again (true for a second fetch)."""
    n = F.col("n")
    pages = pins.rows(spark, plan).where(~F.col("deleted") & pins.has_link(plan, n))
    edit = pins.edits(plan, 2, n, F.col("version"))
    before = pins.edits(plan, 2, n, F.col("version") - 1)
    fetched = pages.select("n", "version", "day", edit.alias("edit"), before.alias("before"))
    fetched = fetched.where(
        ((F.col("version") == 0) & (pins.page_of(plan, n) == n)) | ((F.col("version") > 0) & (F.col("edit") > F.col("before")))
    )
    second = F.col("day") + F.lit(1) + plan.below(max(1, len(plan.days)), "second fetch", n, F.col("edit"))
    repeated = plan.chance(REFETCHED, "fetched again", n, F.col("edit")) & (second < len(plan.days))
    days = F.when(repeated, F.array(F.col("day"), second)).otherwise(F.array(F.col("day")))
    return spread(fetched.select("n", "edit", days.alias("days")), F.col("days"), "day", "fetch").withColumn("again", F.col("fetch") > 0)


def build_pages(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.link_pages: mostly readable pages about the pin, as messy as real ones; a few errors and one percent garbage."""
    n, edit, again = F.col("n"), F.col("edit"), F.col("again")
    keys = (n, edit, again.cast("int"))
    chance = plan.share("status", *keys)
    status = F.when(again & (chance < GONE_AT_REFETCH), 404).when(chance < 0.02, 404).when(chance < 0.035, 503).otherwise(200).cast("int")
    choice = (plan.below(3, "page words", n) + edit + again.cast("int")) % F.lit(3)
    size = len(WORDING[LANGUAGES[0].code].paragraphs)
    told = phrases.told(page_rows(spark, plan), plan).withColumns(
        {
            "url": pins.url(plan, n, edit),
            "http_status": status,
            "title": phrases.said("titles", choice),
            "description": phrases.said("descriptions", choice),
            "paragraphs": F.concat_ws("\n", *[phrases.said("paragraphs", F.lit(place)) for place in range(size)]),
            "kind": F.when(entities.is_shopping(n), "Product").when(F.col("topic").isin(*_recipe_topics()), "Recipe").otherwise("Article"),
            "code": phrases.code(F.col("language")),
            "spoilt": plan.chance(GARBAGE_PAGES, "garbage", n, edit),
            "draw": plan.draw("page", *keys),
        }
    )
    second = plan.second(F.col("day")) + plan.below(DAY_SECONDS, "fetch second", n, edit)
    html = written_page("title", "description", "paragraphs", "code", "kind", "http_status", "spoilt", "draw")
    days = (plan.ds(F.col("day")).alias("ds"), "url", html.alias("html"), "http_status", F.timestamp_seconds(second).alias("fetched_at"))
    return told.select(*days)


def _recipe_topics() -> tuple[int, ...]:
    topics = LANGUAGES[0].topics
    return (topics.index("baking"), topics.index("recipes"))
