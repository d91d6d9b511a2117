"""Link texts against what people wrote for the same pages."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

_FIELDS = ("title", "description")


def evaluate(gold: DataFrame, texts: DataFrame, refused: DataFrame) -> dict[str, object]:
    """How many pages have a row or are quarantined, and the share whose title and description are those of the gold, also by language.

    `gold`: url, title, description, language as people wrote them; `texts`: signals.link_texts as of a day; `refused`: its quarantine.
    Equality is case- and space-folded. A page that has no row counts as wrong; one for which people wrote nothing does not count.
    """
    by_language = scores(gold, texts, refused).collect()  # a row a language
    found: dict[str, object] = {name: sum(row[name] for row in by_language) for name in ("pages", "rows", "quarantined")}
    found |= {name: _share(by_language, name) for name in _FIELDS}
    found["by_language"] = {
        row.language: {"pages": row.pages} | {name: _share([row], name) for name in _FIELDS} for row in sorted(by_language, key=_most_pages)
    }
    return found


def scores(gold: DataFrame, texts: DataFrame, refused: DataFrame) -> DataFrame:
    """Counts by language: pages, rows, quarantined, and for title and description how many are right, of how many."""
    said = texts.select("url", F.lit(True).alias("found"), *(F.col(name).alias(f"said_{name}") for name in _FIELDS))
    kept = refused.select(F.get_json_object("row_key", "$.url").alias("url"), F.lit(True).alias("kept")).distinct()
    wrote = gold.select("url", F.coalesce("language", F.lit("und")).alias("language"), *(folded(F.col(n)).alias(n) for n in _FIELDS))
    rows = wrote.join(said, "url", "left").join(kept, "url", "left")
    counts = [
        F.count(F.lit(1)).alias("pages"),
        F.count("found").alias("rows"),
        F.count_if(F.col("found").isNull() & F.col("kept").isNotNull()).alias("quarantined"),
    ]
    for name in _FIELDS:
        counts.append(F.count_if(F.col(name) != "").alias(f"{name}_of"))
        counts.append(F.count_if((F.col(name) != "") & (F.col(name) == folded(F.col(f"said_{name}")))).alias(f"{name}_right"))
    return rows.groupBy("language").agg(*counts)


def folded(text: Column) -> Column:
    """The text in lower case, with every run of white space as one space."""
    # Spark's \\s is ASCII unless (?U) is given; pages are full of no-break spaces.
    return F.lower(F.trim(F.regexp_replace(text, r"(?U)\s+", " ")))


def _share(rows: list[Row], name: str) -> dict[str, object]:
    """How many are right, of how many, and the share (null of none)."""
    right, of = (sum(row[f"{name}_{part}"] for row in rows) for part in ("right", "of"))
    return {"right": right, "of": of, "share": round(right / of, 4) if of else None}


def _most_pages(row: Row) -> tuple[int, str]:
    """Sorts languages by pages, most first."""
    return -row.pages, row.language
