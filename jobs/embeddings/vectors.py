"""embeddings.pins, embeddings.products and embeddings.queries: the vectors of the joint embedding that counts."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.answers import answered, refusal
from jobs.days import Days
from udfs.vectors import as_halves


def pins(inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """A state for every pin and day on which what is read of it changed, and for all pins on the first day of a model."""
    return _entities("pin", inputs, answers, days)


def products(inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """The same for products."""
    return _entities("product", inputs, answers, days)


def queries(inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """The same for the queries that are kept."""
    return _states(inputs, answers, "query", days)


def _entities(kind: str, inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """The states of one kind."""
    own = inputs.where(F.col("entity_type") == kind)
    return _states(own.select("ds", F.col("entity_id").alias(f"{kind}_id"), "input_hash", "deleted"), answers, f"{kind}_id", days)


def _states(rows: DataFrame, answers: DataFrame, key: str, days: Days) -> DataFrame:
    """(ds, key, vector, input_hash, model_revision, deleted), refused where the model has no vector."""
    states = answered(rows, (key,), answers, "input_hash", "vector", days.first, days.last)
    refused = refusal("it was not asked about", F.col("said").isNull(), "nothing is known of it")
    return states.select(
        "ds",
        key,
        as_halves(F.col("said")).alias("vector"),
        "input_hash",
        "model_revision",
        "deleted",
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("ds", key, "input_hash"))).alias("refused_key"),
    )
