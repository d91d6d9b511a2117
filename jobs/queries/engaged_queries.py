"""signals.engaged_queries: the public queries that led people to engage with an entity, best first."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features.engagement import PAIR, score
from features.logs import near, touched, until
from features.text import has_pii
from jobs.days import Days

ENTITY = ("entity_type", "entity_id")


@dataclass(frozen=True)
class EngagedQueryParams:
    """What an action says about a query: integers, so that scores are exact; ValueError where one is negative.

    Being shown says nothing. A click may be a mistake; a stay shows that the click was right; a save keeps the entity for later use; a cart
    and a checkout cost the user ever more, wherever the shop is. Users are counted once a day, so that no one outweighs many.
    """

    impressions: int = 0
    clicks: int = 1
    long_clicks: int = 3
    saves: int = 5
    carts: int = 6
    checkouts: int = 10
    offsite_carts: int = 6
    offsite_checkouts: int = 10
    top: int = 20

    def __post_init__(self) -> None:
        negative = [name for name, value in asdict(self).items() if value < 0]
        if negative:
            raise ValueError(f"{', '.join(negative)}: weights are 0 or more")
        if not 1 <= self.top <= 20:
            raise ValueError(f"top is {self.top}: write 1 to 20, the table holds no more")

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each count."""
        return {name: value for name, value in asdict(self).items() if name != "top"}


def _touched(totals: DataFrame, public: DataFrame, first: str) -> DataFrame:
    """The entities whose totals moved, whose queries became or ceased to be public, or who are such a query."""
    queries = touched(public, ("query",), first)
    led = near(totals, queries, ("query",)).select(*ENTITY)
    themselves = queries.select(F.lit("query").alias("entity_type"), F.col("query").alias("entity_id"))
    return touched(totals, ENTITY, first).union(led).union(themselves).distinct()


def _scored(totals: DataFrame, params: EngagedQueryParams) -> DataFrame:
    """(pair, start, end, score): the days [start, end) on which a pair has a score above 0."""
    by_day = W.partitionBy(*PAIR).orderBy("ds")
    value = F.when(F.col("deleted"), F.lit(0).cast("bigint")).otherwise(score(params.weights))
    # Most rows only add impressions: they move no score and make no point at which to rank again.
    moved = totals.select("ds", *PAIR, value.alias("score")).withColumn("_before", F.lag("score").over(by_day))
    moved = moved.where(~F.col("_before").eqNullSafe(F.col("score"))).withColumn("end", until(PAIR))
    return moved.where("score > 0").select(*PAIR, F.col("ds").alias("start"), "end", "score")


def _during(spans: DataFrame, spoken: DataFrame, how: str, same: Column) -> DataFrame:
    """The parts of the spans on which a text that is `same` is public; where a left join meets none, the whole span, its text null."""
    overlap = (F.col("start") < F.col("until")) & (F.col("from") < F.col("end"))
    parts = {"start": F.greatest("start", "from"), "end": F.least("end", "until")}  # both pass over nulls
    return spans.join(spoken, same & overlap, how).withColumns(parts).drop("from", "until")


def _while_public(spans: DataFrame, spoken: DataFrame) -> DataFrame:
    """The parts of the spans during which the query is public, and so is the entity where it is a query; `spoken`: (text, from, until)."""
    led = _during(spans, spoken, "inner", F.col("query") == F.col("text")).drop("text")
    # Joined by both columns, the other entities spread evenly instead of meeting under one null.
    itself = (F.col("entity_type") == F.col("kind")) & (F.col("entity_id") == F.col("text"))
    found = _during(led, spoken.withColumn("kind", F.lit("query")), "left", itself)
    return found.where((F.col("entity_type") != "query") | F.col("text").isNotNull()).drop("kind", "text")


def build(totals: DataFrame, public: DataFrame, days: Days, params: EngagedQueryParams) -> DataFrame:
    """The top public queries of every entity for each day on which they may have changed; deleted where none is left.

    A query is a text too: as an entity it has a row only while it is public itself, and is never its own description. A query that
    holds an address or a number of a person never passes, however many asked it.
    """
    spoken = public.select(F.col("query").alias("text"), F.col("ds").alias("from"), "deleted", until(("query",)).alias("until"))
    spoken = spoken.where(~F.col("deleted") & ~has_pii(F.col("text"))).drop("deleted")
    others = totals.where((F.col("entity_type") != "query") | (F.col("entity_id") != F.col("query")))
    again = near(others, _touched(totals, public, days.first), ENTITY)
    return _ranked(_while_public(_scored(again, params), spoken), days, params.top)


def _ranked(spans: DataFrame, days: Days, top: int) -> DataFrame:
    """(ds, entity, queries, deleted) for each day of the range on which a span begins or ends: the best of those that cover it."""
    entity = W.partitionBy(*ENTITY)
    within = [F.when(F.col(bound).between(days.first, days.last), F.col(bound)) for bound in ("start", "end")]
    points = F.array_union(*(F.collect_set(bound).over(entity) for bound in within))
    # Every span meets every point of its entity and is null where it does not cover it: so a point that nothing covers still has a row.
    met = spans.withColumn("_points", points).withColumn("ds", F.explode("_points"))
    covered = (F.col("start") <= F.col("ds")) & (F.col("ds") < F.col("end"))
    found = met.select("ds", *ENTITY, *(F.when(covered, F.col(name)).alias(name) for name in ("query", "score")))
    place = F.row_number().over(W.partitionBy("ds", *ENTITY).orderBy(F.desc_nulls_last("score"), "query"))
    best = found.withColumn("place", place).where(F.col("place") <= top)
    listed = F.sort_array(F.collect_list(F.when(F.col("query").isNotNull(), F.struct("place", "query", "score"))))
    queries = F.transform(listed, lambda one: F.struct(one["query"].alias("query"), one["score"].alias("score")))
    rows = best.groupBy("ds", *ENTITY).agg(queries.alias("queries"))
    return rows.withColumn("deleted", F.size("queries") == 0)
