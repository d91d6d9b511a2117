"""Which text sources pins and products have: of all, by language and by popularity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import engagement
from jobs.evaluation.metrics import Metric
from schemas import texts
from schemas.contract import Table

SOURCES = {texts.PINS: texts.SOURCES, texts.PRODUCTS: texts.PRODUCT_SOURCES}
PUBLISHED = {"title_or_description": 0.71, "caption": 1.0, "board_titles": 0.91, "engaged_queries": 0.65}
"""Shares of Pinterest's pins, from notes on arXiv 2404.16260; its captions cover products too."""
# Engagements in two years. Fixed bounds, not thirds: a part means the same on every day and in every lake.
POPULARITY = {"0": 0, "1-9": 1, "10-99": 10, "100+": 100}
LANGUAGES = 50
"""The most languages that are told apart, the commonest first: authors' settings may hold anything."""


def engagements(totals: DataFrame, entity_type: str) -> DataFrame:
    """(entity_id, engagements): how often users did something with each entity in two years; being shown is nothing they did.

    `totals`: signals.engagement_totals as of a day.
    """
    return engagements_of("entity_id", totals.where(F.col("entity_type") == entity_type))


def engagements_of(key: str, totals: DataFrame) -> DataFrame:
    """(key, engagements): how often users did something, by entity_id or by query."""
    return totals.groupBy(key).agg(F.sum(engagement.engagements()).alias("engagements"))


def counts(table: Table, live: DataFrame, engaged: DataFrame | None) -> DataFrame:
    """A row for all, for each language and each part by popularity: part (all, language, popularity), name, n, and a count for each source.

    `live`: the rows of texts.pins or texts.products as of a day; `engaged`: `engagements`, None where nobody counted them.
    """
    (key,) = table.key
    has = {name: F.col(name).isNotNull() for name in SOURCES[table]}
    has |= {"title_or_description": has["title"] | has["description"], "any": F.greatest(*has.values())}
    parts: dict[str, Column] = {"all": F.lit("")}
    if "language" in live.columns:
        parts["language"] = F.coalesce("language", F.lit("und"))
    if engaged is not None:
        live = live.join(engaged.withColumnRenamed("entity_id", key), key, "left")
        parts["popularity"] = popularity(F.coalesce("engagements", F.lit(0)))
    named = F.array(*(F.struct(F.lit(part).alias("part"), name.alias("name")) for part, name in parts.items()))
    # Summed by combination first: a few rows, of which each then counts for every part that it belongs to.
    flags = live.select(named.alias("parts"), *(flag.cast("bigint").alias(f"has_{name}") for name, flag in has.items()))
    combined = flags.groupBy("parts").agg(F.count(F.lit(1)).alias("n"), *(F.sum(f"has_{name}").alias(f"has_{name}") for name in has))
    each = combined.select(F.inline("parts"), "n", *(f"has_{name}" for name in has))
    rows = each.groupBy("part", "name").agg(F.sum("n").alias("n"), *(F.sum(f"has_{name}").alias(f"has_{name}") for name in has))
    place = F.row_number().over(W.partitionBy("part").orderBy(F.desc("n"), "name"))
    return rows.withColumn("place", place).where(F.col("place") <= LANGUAGES)


def coverage(table: Table, live: DataFrame, engaged: DataFrame | None) -> dict[str, Any]:
    """{count, sources: {name: {share, count}}, published, by_language, by_popularity} of the live rows; shares of none are null."""
    rows = counts(table, live, engaged).orderBy("part", "place").collect()  # a row a language and part
    names = [name.removeprefix("has_") for name in rows[0].asDict() if name.startswith("has_")] if rows else []
    found: dict[str, Any] = {"count": 0, "sources": {}, "published": {}}
    found |= {name: {} for name in ("by_language", "by_popularity")}
    for row in rows:
        one = {"count": row.n, "sources": {name: _share(row, name) for name in names}}
        if row.part == "all":
            found |= one
        else:
            found[f"by_{row.part}"][row["name"]] = one
    found["by_popularity"] = {name: found["by_popularity"][name] for name in POPULARITY if name in found["by_popularity"]}
    found["published"] = PUBLISHED if table == texts.PINS else {}
    return found


def metrics(table: Table, found: Mapping[str, Any], versions: Mapping[str, int]) -> Iterator[Metric]:
    """What `coverage` found, as rows of evaluation.metrics: the share of each source, over all entities of the part."""
    parts = {"all": found}
    for part in ("language", "popularity"):
        parts |= {f"{part}={name}": one for name, one in found[f"by_{part}"].items()}
    for part, one in parts.items():
        for source, told in one["sources"].items():
            yield Metric(table.name, part, source, told["share"], one["count"], table_versions=dict(versions))


def rendered(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What `coverage` found, as rows of a table: a line a source, a column for all, the published share, and each part."""
    parts = {"all": found, **found["by_popularity"], **dict(list(found["by_language"].items())[:6])}
    rows = [("", "all", *(["published"] if found["published"] else []), *(name for name in parts if name != "all"))]
    rows.append(
        ("live", str(found["count"]), *([""] if found["published"] else []), *(str(parts[n]["count"]) for n in parts if n != "all"))
    )
    for source in found["sources"]:
        shares = {name: _percent(one["sources"][source]["share"]) for name, one in parts.items()}
        published = [_percent(found["published"].get(source))] if found["published"] else []
        rows.append((source, shares.pop("all"), *published, *shares.values()))
    return rows


def popularity(engaged: Column) -> Column:
    """The name of the part that a number of engagements belongs to."""
    (first, _), *more = POPULARITY.items()
    name = F.lit(first)
    for larger, least in more:
        name = F.when(engaged >= least, F.lit(larger)).otherwise(name)
    return name


def _share(row: Row, name: str) -> dict[str, Any]:
    return {"share": round(row[f"has_{name}"] / row.n, 4), "count": row[f"has_{name}"]}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
