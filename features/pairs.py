"""Pairs of a query and an entity that people engaged with on a day, by the task that learns from them (arXiv 2404.16260)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.text import has_pii
from schemas.embeddings import TASKS

PAIR_KEY = ("task", "pair_hash")
"""What names a pair of a task; its query may not stay public, so it is remembered by a hash."""
DONE = {
    "query_pin": ("long_clicks", "saves"),
    "query_product": ("checkouts", "carts", "saves", "long_clicks"),
    "query_product_offsite": ("offsite_checkouts", "offsite_carts"),
    "query_query": ("long_clicks", "clicks"),
}
"""What people must have done for a pair of a task: any of it, the strongest first. A click on a pin or product may be a mistake; a
suggested query is followed by a click."""
ACTION_OF = {
    "clicks": "click",
    "long_clicks": "long_click",
    "saves": "save",
    "carts": "add_to_cart",
    "checkouts": "checkout",
    "offsite_carts": "add_to_cart",
    "offsite_checkouts": "checkout",
}


def engaged_pairs(daily: DataFrame, public: DataFrame, tasks: Sequence[str]) -> DataFrame:
    """(ds, PAIR_KEY, query, entity_type, entity_id, action): the pairs of public queries that people engaged with on each day, by task.

    `daily`: signals.engagement_daily; `public`: signals.public_queries as a log. A query that names a person's address or number never
    passes; a query is no pair of its own.
    """
    done = [_of_task(daily, task) for task in tasks]
    pairs = reduce(DataFrame.unionByName, done).where((F.col("entity_type") != "query") | (F.col("entity_id") != F.col("query")))
    pairs = _spoken(pairs, public, "query")
    asked = pairs.where(F.col("entity_type") == "query")
    both = _spoken(asked, public, "entity_id").unionByName(pairs.where(F.col("entity_type") != "query"))
    return both.withColumn("pair_hash", hashed("query", "entity_type", "entity_id"))


def hashed(*names: str) -> Column:
    """32 hex digits of a hash over columns."""
    return F.substring(F.sha2(F.concat_ws("\x1f", *names), 256), 1, 32)


def _of_task(daily: DataFrame, task: str) -> DataFrame:
    action = F.coalesce(*(F.when(F.col(name) > 0, F.lit(ACTION_OF[name])) for name in DONE[task]))
    rows = daily.where(F.col("entity_type") == TASKS[task]).select("ds", "entity_type", "entity_id", "query", action.alias("action"))
    return rows.where("action is not null").withColumn("task", F.lit(task))


def _spoken(pairs: DataFrame, public: DataFrame, column: str) -> DataFrame:
    """The pairs whose query in the column is public on their day and holds nothing personal."""
    wanted = pairs.select("ds", F.col(column).alias("query")).distinct()
    allowed = logs.as_of(wanted, public, ("query",), ()).where(~has_pii(F.col("query")))
    return pairs.join(allowed.withColumnRenamed("query", column), ["ds", column], "left_semi")
