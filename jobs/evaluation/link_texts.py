"""Link texts against what people wrote for the same pages, and what other readers make of these."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from udfs.pages import peers
from udfs.pages.guard import Limits
from udfs.pages.udf import read_pages

_FIELDS = ("title", "description")
_ENGLISH, _UNKNOWN = "en", "und"


def evaluate(gold: DataFrame, texts: DataFrame, refused: DataFrame) -> dict[str, object]:
    """How many pages have a row or are quarantined, and the share whose title and description are those of the gold, also by language.

    `gold`: url, title, description, language as people wrote them; `texts`: signals.link_texts as of a day; `refused`: its quarantine.
    Equality is of what is read: case and white space are nothing (between two blocks of a page some write a space, some none). A page
    that has no row counts as wrong; one for which people wrote nothing does not count. Pages of one url are one page, since the table
    holds one of them: right where it is right for any.
    """
    said = texts.select("url", F.lit(True).alias("found"), *(F.col(name).alias(f"said_{name}") for name in _FIELDS))
    url = F.get_json_object("row_key", "$.url").alias("url")
    newest = refused.groupBy(url).agg(F.max(F.struct("ds", "reason"))["reason"].alias("reason"))
    rows = gold.select("url", "language", *_FIELDS).join(said, "url", "left").join(newest, "url", "left")
    return table(rows)


def evaluate_peers(gold: DataFrame, limits: Limits) -> dict[str, object]:
    """The same table for every other reader, run on the gold's pages (url, html) in children with the same limits."""
    found: dict[str, object] = {}
    # Pages are many bytes in few rows: without this they would be read by one task.
    spread = gold.repartition(gold.sparkSession.sparkContext.defaultParallelism, "url")
    empty = F.when(F.col("html").isNull(), F.lit("the page has no body")).alias("empty")
    pages = spread.select("url", F.col("html").alias("body"), F.struct("language", *_FIELDS).alias("wrote"), empty)
    for name in peers.PEERS:
        read = read_pages(pages, limits, peers.parser_of(name))
        said = (F.col(field).alias(f"said_{field}") for field in _FIELDS)
        rows = read.select("url", "wrote.*", *said, F.coalesce("empty", "refused").alias("reason"))
        found[name] = table(rows.withColumn("found", F.when(F.col("reason").isNull(), F.lit(True))))
    return found


def table(rows: DataFrame) -> dict[str, object]:
    """The counts and shares of `rows`: url, what people wrote, what was `said_`, `found` (true or null), the `reason` of a refusal.

    `gap` is the share of English pages less that of the pages in other languages.
    """
    counts = scores(rows).collect()  # a row a language and reason
    others = [row for row in counts if row.language not in (_ENGLISH, _UNKNOWN)]
    english = [row for row in counts if row.language == _ENGLISH]
    return {
        "pages": _sum(counts, "pages"),
        "rows": _sum(counts, "rows"),
        "quarantined": _sum([row for row in counts if row.reason is not None], "pages"),
        "reasons": _by(counts, "reason", lambda some: _sum(some, "pages")),
        **_shares(counts),
        "gap": {name: _less(_share(english, name)["share"], _share(others, name)["share"]) for name in _FIELDS},
        "english": {"pages": _sum(english, "pages")} | _shares(english),
        "others": {"pages": _sum(others, "pages")} | _shares(others),
        "by_language": _by(counts, "language", lambda some: {"pages": _sum(some, "pages")} | _shares(some)),
    }


def scores(rows: DataFrame) -> DataFrame:
    """Counts by language and reason: pages, rows, and for title and description how many are right, of how many."""
    code = F.lower(F.substring_index(F.coalesce("language", F.lit(_UNKNOWN)), "-", 1))
    judged = [F.min(code).alias("language"), F.max("found").alias("found"), F.min("reason").alias("reason")]
    for name in _FIELDS:
        wrote = read(F.col(name))
        judged.append(F.bool_or(wrote != "").alias(f"{name}_of"))
        judged.append(F.bool_or((wrote != "") & (wrote == read(F.col(f"said_{name}")))).alias(f"{name}_right"))
    pages = rows.groupBy("url").agg(*judged).withColumn("reason", F.when(F.col("found").isNull(), F.col("reason")))
    counts = [F.count_if(f"{name}_{part}").alias(f"{name}_{part}") for name in _FIELDS for part in ("of", "right")]
    return pages.groupBy("language", "reason").agg(F.count(F.lit(1)).alias("pages"), F.count("found").alias("rows"), *counts)


def read(text: Column) -> Column:
    """The text in lower case, without white space."""
    # Spark's \\s is ASCII unless (?U) is given; pages are full of no-break spaces.
    return F.lower(F.regexp_replace(text, r"(?U)\s+", ""))


def _by(rows: list[Row], name: str, told: Callable[[list[Row]], object]) -> dict[str, object]:
    """What is told of the rows of every value of a column, most pages first; rows without a value are left out."""
    values = {row[name] for row in rows if row[name] is not None}
    groups = {value: [row for row in rows if row[name] == value] for value in values}
    return {value: told(groups[value]) for value in sorted(values, key=lambda v: (-_sum(groups[v], "pages"), v))}


def _sum(rows: list[Row], name: str) -> int:
    """The sum of a count."""
    return sum(row[name] for row in rows)


def _shares(rows: list[Row]) -> dict[str, dict[str, float | None]]:
    """For title and description how many are right."""
    return {name: _share(rows, name) for name in _FIELDS}


def _share(rows: list[Row], name: str) -> dict[str, float | None]:
    """How many are right, of how many, and the share (null of none)."""
    right, of = (_sum(rows, f"{name}_{part}") for part in ("right", "of"))
    return {"right": right, "of": of, "share": round(right / of, 4) if of else None}


def _less(one: float | None, other: float | None) -> float | None:
    """The difference, null where one is."""
    return None if one is None or other is None else round(one - other, 4)
