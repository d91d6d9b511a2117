"""The pairs of a day that somebody labels: those that a teacher is asked about, and those that people graded."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from udfs.queries import normalised_query

PAIR = ("query", "entity_type", "entity_id")


def request_key(query: Column | str) -> Column:
    """The key of a pair: sha256 over query, entity_type and entity_id, hex."""
    return F.sha2(F.concat_ws("\x1f", query, *PAIR[1:]), 256)


def labelled_pairs(candidates: DataFrame, examples: DataFrame) -> DataFrame:
    """(ds, request_key, query, entity_type, entity_id): each pair of a day once, its query normalised."""
    graded = examples.select("ds", normalised_query("query").alias("query"), *PAIR[1:])
    pairs = candidates.select("ds", *PAIR).unionByName(graded).distinct()
    return pairs.select("ds", request_key("query").alias("request_key"), *PAIR)
