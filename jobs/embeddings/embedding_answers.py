"""answers.embeddings: the joint embedding's vectors of pins, products and queries, asked once for whatever is read of them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.logs import near
from schemas.embeddings import NAMES, VECTORS


def build(inputs: DataFrame, queries: DataFrame) -> DataFrame:
    """The questions: what is read of pins and products that live, and the queries whose vectors are made beforehand."""
    entities = inputs.where("not deleted").select("ds", "input_hash", F.lit(None).cast("string").alias("query"))
    return entities.unionByName(queries.where("not deleted").select("ds", "input_hash", "query"))


def payload(questions: DataFrame, inputs: DataFrame) -> DataFrame:
    """(input_hash, query, NAMES, VECTORS) of some questions; of several entities that are read alike, one."""
    asked = questions.where("query is null").select("input_hash")
    read = near(inputs.where("not deleted"), asked, ("input_hash",)).select("input_hash", *NAMES, *VECTORS).dropDuplicates(["input_hash"])
    entities = asked.join(read, "input_hash", "left").withColumn("query", F.lit(None).cast("string"))
    none = {name: F.lit(None).cast("binary" if name in VECTORS else "string") for name in (*NAMES, *VECTORS)}
    queries = questions.where("query is not null").select("input_hash", "query").withColumns(none)
    return queries.unionByName(entities.select(queries.columns))
