"""The text of entities as it was on a day, without what users did with them since: what graders and teachers may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.assembly import ALL, Assembly, PinAssembly, ProductAssembly, assembled

LAG_DAYS = 15
"""How far behind a day the sources made of engagement stay: else the query that led to a click describes its own pin. The lag of the inputs
`..._before` in the registry."""
ENGAGED = ("board_titles", "engaged_queries")


@dataclass(frozen=True)
class Variants:
    """Which sources are in the texts, by the names of their variants (features/assembly.py); ValueError for an unknown one."""

    pin_variant: str = ALL
    product_variant: str = ALL

    def __post_init__(self) -> None:
        self.assemblies()

    def assemblies(self) -> dict[str, Assembly]:
        """How texts are put together, by entity type."""
        return {"pin": PinAssembly(variant=self.pin_variant), "product": ProductAssembly(variant=self.product_variant)}


def texts_then(
    pairs: DataFrame, now: Mapping[str, DataFrame], before: Mapping[str, DataFrame], assemblies: Mapping[str, Assembly]
) -> DataFrame:
    """(ds, entity_type, entity_id, text, text_hash, sources, author_language) of the entities that lived on the day of their pair.

    `pairs`: with ds, entity_type and entity_id; `now` and `before`: the texts of each entity type as logs, as of each day and as of
    LAG_DAYS earlier.
    """
    found: DataFrame | None = None
    for kind, assembly in assemblies.items():
        wanted = pairs.where(F.col("entity_type") == kind).select("ds", F.col("entity_id").alias(f"{kind}_id")).distinct()
        one = _of_kind(wanted, kind, now[kind], before[kind], assembly)
        found = one if found is None else found.unionByName(one)
    if found is None:
        raise ValueError("texts of no kind of entity")
    return found


def refusal() -> Column:
    """Why a pair with `text` (null: the entity did not live) is not shown to anybody; null where it is."""
    missing = F.when(F.col("text").isNull(), F.concat(F.lit("no text of the "), F.col("entity_type"), F.lit(" on that day")))
    return missing.when(F.col("text") == "", F.concat(F.lit("an empty text of the "), F.col("entity_type")))


def _of_kind(wanted: DataFrame, kind: str, now: DataFrame, before: DataFrame, assembly: Assembly) -> DataFrame:
    key = f"{kind}_id"
    rows = assembled(sources_then(wanted, kind, now, before, assembly), assembly)
    named = [F.lit(kind).alias("entity_type"), F.col(key).alias("entity_id")]
    return rows.select("ds", *named, "text", "text_hash", "sources", "author_language")


def sources_then(wanted: DataFrame, kind: str, now: DataFrame, before: DataFrame, assembly: Assembly) -> DataFrame:
    """(ds, KIND_id, every source, author_language) of the wanted (ds, KIND_id) that lived on their day; logs as in `texts_then`."""
    key = f"{kind}_id"
    own = [name for name in assembly.variants()[ALL] if name not in ENGAGED]
    language = F.col("language") if "language" in now.columns else F.lit(None).cast("string")
    current = logs.as_of(wanted, now.withColumn("author_language", language), (key,), [*own, "author_language"])
    return current.join(logs.as_of(wanted, before, (key,), ENGAGED), ["ds", key], "left")
