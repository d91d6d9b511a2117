"""answers.text_embeddings: the encoder's vector of every distinct text and query of labelled pairs, asked once."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.vectors import DOCUMENT, QUERY, vector_hash


@dataclass(frozen=True)
class TextEmbeddingParams:
    """How texts are read; ValueError where it makes no sense."""

    max_tokens: int = 64
    """The most tokens of a text, special ones and the role's prefix counted: what a teacher reads of a pair."""

    def __post_init__(self) -> None:
        if self.max_tokens < 8:
            raise ValueError(f"max_tokens is at least 8, got {self.max_tokens}")


def build(candidates: DataFrame, examples: DataFrame) -> DataFrame:
    """The questions: queries and texts of the days' candidates and of what people graded."""
    pairs = candidates.select("ds", "query", "text").unionByName(examples.select("ds", "query", "text"))
    sides = F.array(
        *(F.struct(F.lit(role).alias("role"), F.col(name).alias("text")) for role, name in ((QUERY, "query"), (DOCUMENT, "text")))
    )
    asked = pairs.select("ds", F.inline(sides))
    return asked.withColumn("input_hash", vector_hash(F.col("role"), F.col("text"))).select("ds", "input_hash", "role", "text")
