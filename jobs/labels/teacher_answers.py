"""answers.teacher: a teacher's probabilities of five grades for every distinct pair of a query and a text, asked once."""

from __future__ import annotations

from pyspark.sql import DataFrame

from features.canaries import canaries


def build(candidates: DataFrame, examples: DataFrame) -> DataFrame:
    """The questions: the candidates of the days, and the canaries, which stand from the day on which people graded them."""
    asked = candidates.select("ds", "input_hash", "query", "text")
    return asked.unionByName(canaries(examples).select(*asked.columns))
