"""embeddings.pins, embeddings.products and embeddings.queries: the vectors of the joint embedding that counts."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
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
    return _with(before, logs.kept(_states(_of(inputs, "pin"), answers, "pin_id", days)), "pin_id")


def products(inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days) -> DataFrame:
    """The same for products."""
    return _with(before, logs.kept(_states(_of(inputs, "product"), answers, "product_id", days)), "product_id")


def queries(inputs: DataFrame, answers: DataFrame, days: Days) -> DataFrame:
    """The same for the queries that are kept."""
    return _states(inputs, answers, "query", days)


def _of(inputs: DataFrame, kind: str) -> DataFrame:
    own = inputs.where(F.col("entity_type") == kind)
    return own.select("ds", F.col("entity_id").alias(f"{kind}_id"), "input_hash", "deleted")


def _with(before: DataFrame, states: DataFrame, key: str) -> DataFrame:
    """The states, and the opening rows of their entities, as a job that reads its own past hands them on."""
    own = logs.near(before, states, (key,)).select("ds", key, "vector", "input_hash", "model_revision", "deleted")
    return states.unionByName(own, allowMissingColumns=True)


def _states(rows: DataFrame, answers: DataFrame, key: str, days: Days) -> DataFrame:
    """(ds, key, vector, input_hash, model_revision, deleted), refused where the model has no vector."""
    known = answers.select("input_hash", F.col("vector").alias("_vector"), F.col("refused").alias("_why"), "model_revision", "since")
    states = rows.withColumn("_until", logs.until((key,))).join(known, "input_hash", "left")
    # What stood already is said anew on the first day of a model.
    moved = F.when((F.col("ds") < F.col("since")) & (F.col("since") < F.col("_until")), F.col("since"))
    states = states.withColumn("ds", F.explode(F.array_compact(F.array("ds", moved)))).where(F.col("ds").between(days.first, days.last))
    reason = F.when(F.col("model_revision").isNull(), F.lit("it was not asked about")).otherwise(F.col("_why"))
    silent = F.when(F.col("_vector").isNull(), F.lit("nothing is known of it"))
    refused = F.when(~F.col("deleted"), F.coalesce(reason, silent))
    return states.select(
        "ds",
        key,
        as_halves(F.col("_vector")).alias("vector"),
        "input_hash",
        "model_revision",
        "deleted",
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("ds", key, "input_hash"))).alias("refused_key"),
    )


def blocks_pins(inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days, params: VectorParams) -> str | None:
    """Why nothing may be published of the pins (`_blocked`)."""
    return _blocked(_states(_of(inputs, "pin"), answers, "pin_id", days), before, "pin_id", params)


def blocks_products(inputs: DataFrame, answers: DataFrame, before: DataFrame, days: Days, params: VectorParams) -> str | None:
    """Why nothing may be published of the products (`_blocked`)."""
    return _blocked(_states(_of(inputs, "product"), answers, "product_id", days), before, "product_id", params)


def blocks_queries(inputs: DataFrame, answers: DataFrame, days: Days) -> str | None:
    """Why nothing may be published of the queries: a query's text is all that is read of it, so that its vector never drifts."""
    return _blocked(queries(inputs, answers, days), None, "query", VectorParams())


def _blocked(rows: DataFrame, before: DataFrame | None, key: str, params: VectorParams) -> str | None:
    """Why nothing may be published: a vector that is not finite or not of length 1, or vectors that moved far from those before."""
    known = rows.where(F.col("vector").isNotNull())
    new = known.select(key, "model_revision", as_floats(F.col("vector")).alias("_now"))
    joined = new.withColumn("_then", F.lit(None).cast("array<float>"))
    if before is not None:
        then = logs.near(before, new, (key,)).select(key, "model_revision", as_floats(F.col("vector")).alias("_then"))
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
