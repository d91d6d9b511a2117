"""What a model says of entities by what is read of them: from the answers to the states of a change log."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.logs import until


def answered(log: DataFrame, key: Sequence[str], answers: DataFrame, read: str, answer: str, first: str, last: str) -> DataFrame:
    """The rows of a log from `first` to `last` with `said`, `model_revision` and `reason`, why a model said nothing; and, on the first day
    of a model, those that stood already once more.

    `answers`: as they are read, by input_hash; `read`: the log's column that is one; `answer`: the answers' column.
    """
    names = {"said": F.col(answer), "reason": F.col("refused"), "model_revision": F.col("model_revision"), "since": F.col("since")}
    known = answers.select(F.col("input_hash").alias(read), *(column.alias(name) for name, column in names.items()))
    states = log.withColumn("_until", until(key)).join(known, read, "left")
    moved = F.when((F.col("ds") < F.col("since")) & (F.col("since") < F.col("_until")), F.col("since"))
    states = states.withColumn("ds", F.explode(F.array_compact(F.array("ds", moved)))).where(F.col("ds").between(first, last))
    return states.drop("_until", "since")


def refusal(unasked: str, silent: Column, nothing: str) -> Column:
    """Why a row of `answered` has no answer, null where it has one or is deleted: it was not asked about, the model's own reason, or, where
    `silent`, that it said nothing."""
    reason = F.when(F.col("model_revision").isNull(), F.lit(unasked)).otherwise(F.col("reason"))
    return F.when(~F.col("deleted"), F.coalesce(reason, F.when(silent, F.lit(nothing))))
