"""answers.embeddings: the joint embedding's vectors of pins, products and queries, asked once for whatever is read of them."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.entities import ENTITY
from features.logs import near, until
from jobs.days import Days
from schemas.embeddings import NAMES, VECTORS


def build(inputs: DataFrame, queries: DataFrame, days: Days) -> DataFrame:
    """The questions: what is read of pins and products that live on one of the days, and the queries whose vectors are made beforehand."""
    entities = _living(inputs, ENTITY, days).withColumn("query", F.lit(None).cast("string"))
    columns = ("ds", "input_hash", "query")
    return entities.select(*columns).unionByName(_living(queries, ("query",), days).select(*columns))


def _living(log: DataFrame, key: Sequence[str], days: Days) -> DataFrame:
    """The rows that stand on one of the days: not those from before that are replaced on the first of them."""
    return log.withColumn("_until", until(key)).where((F.col("_until") > days.first) & ~F.col("deleted"))


def payload(questions: DataFrame, inputs: DataFrame) -> DataFrame:
    """(input_hash, query, NAMES, VECTORS) of some questions; of several entities that are read alike, one."""
    asked = questions.where("query is null").select("input_hash")
    read = near(inputs.where("not deleted"), asked, ("input_hash",)).select("input_hash", *NAMES, *VECTORS).dropDuplicates(["input_hash"])
    entities = asked.join(read, "input_hash", "left").withColumn("query", F.lit(None).cast("string"))
    none = {name: F.lit(None).cast("binary" if name in VECTORS else "string") for name in (*NAMES, *VECTORS)}
    queries = questions.where("query is not null").select("input_hash", "query").withColumns(none)
    return queries.unionByName(entities.select(queries.columns))
