"""raw.pin_updates of the sample lake: pins appear, change and are deleted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, phrases
from jobs.sample.plan import Plan, picked

NO_TEXT = 0.29
TITLE_ONLY, DESCRIPTION_ONLY = 0.22, 0.10
LINKED = 0.5
SHARED_IMAGE, SHARED_PAGE = 0.06, 0.3
SITES = ("homefinds", "dailycraft", "marketlane", "bluekettle", "studio-nord", "kleinestadt", "petitcoin", "sakura-select")


def rows(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row for each pin and day on which it appears, changes or is deleted: n, day, version, deleted."""
    return entities.timeline(plan.rows(spark, plan.pins, "n"), plan, "pin")


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.pin_updates: 29 % of the pins have neither title nor description, 60 % link to a page, one in five has a product."""
    n, version = F.col("n"), F.col("version")
    known = phrases.told(rows(spark, plan), plan).withColumns(
        {
            "page": page_of(plan, n),
            "moved": edits(plan, 2, n, version),
            "image": image_of(plan, n),
            "title": title(plan, n, version),
            "description": description(plan, n, version),
        }
    )
    fields = {
        "image_id": image_id(F.col("image")),
        "product_id": F.when(entities.is_shopping(n), entities.product_id(n)),
        "title": F.col("title"),
        "description": F.col("description"),
        "link_url": F.when(has_link(plan, n), url(plan, F.when(F.col("moved") > 0, n).otherwise(F.col("page")), F.col("moved"))),
        "language": phrases.code(F.col("language")),
        "country": phrases.country(F.col("language"), plan.below(3, "pin country", n)),
    }
    return known.select(
        plan.ds(F.col("day")).alias("ds"),
        entities.pin_id(n).alias("pin_id"),
        *[F.when(~F.col("deleted"), value).alias(name) for name, value in fields.items()],
        "deleted",
    )


def edits(plan: Plan, part: int, n: Column, version: Column) -> Column:
    """How often part 0 (title), 1 (description) or 2 (link) was changed: each version changes one of them, in turn."""
    start = plan.below(3, "first edit", n)
    return (F.floor((version + start + part) / F.lit(3)) - F.floor((start + part) / F.lit(3))).cast("bigint")


def title(plan: Plan, n: Column, version: Column) -> Column:
    """The title at that version: names all attributes, some or only the object; sometimes with stray markup; null where missing."""
    part, detail, dirt = (plan.share(f"pin {draw}", n) for draw in ("text", "title detail", "title dirt"))
    shown = (F.when(detail < 0.8, F.col("color")), F.when(detail < 0.5, F.col("style")))
    words = phrases.phrase(F.col("language"), F.col("object"), *shown)
    plain = phrases.said("titles", _choice(plan, "title words", n, edits(plan, 0, n, version)), words)
    before = F.when(dirt < 0.02, F.lit("<b>")).when(dirt < 0.04, F.lit("  ")).otherwise(F.lit(""))
    after = F.when(dirt < 0.02, F.lit("</b> &amp; more")).when(dirt < 0.04, F.lit(" \n")).otherwise(F.lit(""))
    return F.when((part >= NO_TEXT) & (part < 1 - DESCRIPTION_ONLY), F.concat(before, plain, after))


def description(plan: Plan, n: Column, version: Column) -> Column:
    """The description at that version; null where missing."""
    part = plan.share("pin text", n)
    told = phrases.said("descriptions", _choice(plan, "description words", n, edits(plan, 1, n, version)))
    return F.when((part >= NO_TEXT + TITLE_ONLY), told)


def _choice(plan: Plan, salt: str, n: Column, edit: Column) -> Column:
    return (plan.below(3, salt, n) + edit) % F.lit(3)


def image_of(plan: Plan, n: Column) -> Column:
    """The number of the pin whose image pin n shows: mostly its own."""
    shared = entities.shares_with_twin(plan, "image", SHARED_IMAGE, n)
    return F.when(shared, n - F.lit(entities.TWIN_DISTANCE)).otherwise(n)


def image_id(n: Column, view: Column | None = None) -> Column:
    """The id of the image of pin n, or of a further view of it."""
    main = F.concat(F.lit("i"), n.cast("string"))
    return main if view is None else F.when(view > 0, F.concat(main, F.lit("v"), view.cast("string"))).otherwise(main)


def has_link(plan: Plan, n: Column) -> Column:
    """True where pin n links to a page; a shopping pin does."""
    return entities.is_shopping(n) | plan.chance(LINKED, "linked", n)


def page_of(plan: Plan, n: Column) -> Column:
    """The number of the pin whose page pin n links to at first: mostly its own."""
    twin = n - F.lit(entities.TWIN_DISTANCE)
    shared = entities.shares_with_twin(plan, "page", SHARED_PAGE, n) & ~entities.is_shopping(n) & has_link(plan, twin)
    return F.when(shared, twin).otherwise(n)


def url(plan: Plan, n: Column, edit: Column) -> Column:
    """The address of the page about pin n, after that many changes of the link."""
    site = picked(SITES, plan.below(len(SITES), "site", n))
    folder = F.when(entities.is_shopping(n), F.lit("/products/")).otherwise(F.lit("/posts/"))
    moved = F.when(edit > 0, F.concat(F.lit("?rev="), edit.cast("string"))).otherwise(F.lit(""))
    return F.concat(F.lit("https://www."), site, F.lit(".example"), folder, n.cast("string"), moved)
