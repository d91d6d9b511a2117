"""embeddings.pins, embeddings.products and embeddings.queries: the vectors of the joint embedding that counts."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.answers import answered, refusal
from jobs.days import Days
from udfs.vectors import as_floats, as_halves


@dataclass(frozen=True)
class VectorParams:
    """What stops a publication; ValueError where it makes no sense."""

    least_cosine: float = 0.5
    """The mean cosine of vectors that change, with those that they had of the same revision before: below it something else has changed."""
    least_changed: int = 100
    """Of fewer changed vectors nothing is concluded."""

    def __post_init__(self) -> None:
        if not -1 <= self.least_cosine <= 1 or self.least_changed < 1:
            raise ValueError("least_cosine is a cosine, least_changed at least 1")


def pins(inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days) -> DataFrame:
    """A state for every pin and day on which what is read of it changed, and for all pins on the first day of a model."""
    return _entities("pin", inputs, answers, before, days)


def products(inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days) -> DataFrame:
    """The same for products."""
    return _entities("product", inputs, answers, before, days)


def queries(inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """The same for the queries that are kept."""
    return _states(inputs, answers, "query", days)


def _entities(kind: str, inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days) -> DataFrame:
    """The states of one kind, and the opening rows of its entities, as a job that reads its own past hands them on."""
    key = f"{kind}_id"
    own = inputs.where(F.col("entity_type") == kind)
    states = logs.kept(_states(own.select("ds", F.col("entity_id").alias(key), "input_hash", "deleted"), answers, key, days))
    opened = logs.near(before, states, (key,)).select("ds", key, "vector", "input_hash", "model_revision", "deleted")
    return states.unionByName(opened, allowMissingColumns=True)


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


def blocks_pins(built: DataFrame, days: Days, params: VectorParams) -> str | None:
    """Why nothing may be published of the pins (`_blocked`)."""
    return _blocked(built, "pin_id", days, params)


def blocks_products(built: DataFrame, days: Days, params: VectorParams) -> str | None:
    """Why nothing may be published of the products (`_blocked`)."""
    return _blocked(built, "product_id", days, params)


def blocks_queries(built: DataFrame, days: Days) -> str | None:
    """Why nothing may be published of the queries: a query's text is all that is read of it, so that its vector never drifts."""
    return _blocked(built, "query", days, VectorParams())


def _blocked(built: DataFrame, key: str, days: Days, params: VectorParams) -> str | None:
    """Why nothing may be published: a vector that is not finite or not of length 1, or vectors that moved far from those before."""
    rows = built.where(F.col("vector").isNotNull()).withColumn("_numbers", as_floats(F.col("vector")))
    new = rows.where(F.col("ds") >= days.first).select(key, "model_revision", F.col("_numbers").alias("_now"))
    then = rows.where(F.col("ds") < days.first).select(key, "model_revision", F.col("_numbers").alias("_then"))
    joined = new.join(then, [key, "model_revision"], "left")
    length, cosine = _product(F.col("_now"), F.col("_now")), _product(F.col("_now"), F.col("_then"))
    bad = F.isnan(length) | (F.abs(length - 1) > 0.01)
    moved = F.when(F.col("_then").isNotNull(), cosine)
    found = joined.agg(F.count_if(bad).alias("bad"), F.count(moved).alias("moved"), F.avg(moved).alias("mean")).collect()[0]  # one row
    if found["bad"]:
        return f"{found['bad']} vectors are not finite or not of length 1"
    if found["moved"] >= params.least_changed and found["mean"] < params.least_cosine:
        said = f"{found['moved']} vectors that changed have a mean cosine of {found['mean']:.3f} with those before"
        return f"{said}, below {params.least_cosine}"
    return None


def _product(a: Column, b: Column) -> Column:
    """The inner product of two vectors as arrays; null where one is null."""
    return F.aggregate(F.zip_with(a, b, lambda x, y: x.cast("double") * y), F.lit(0.0), lambda so_far, one: so_far + one)
