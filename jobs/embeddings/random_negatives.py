"""training.random_negatives: pins and products drawn evenly from all that live, as the joint embedding reads them."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from features.entities import ENTITY, inputs_then
from jobs.days import Days
from schemas.embeddings import NAMES, VECTORS


@dataclass(frozen=True)
class RandomNegativeParams:
    """How often an entity is drawn; ValueError where it makes no sense."""

    cycle_days: int = 10
    """Every entity that lives is drawn once in so many days: a tenth of all of them a day."""
    seed: int = 5

    def __post_init__(self) -> None:
        if self.cycle_days < 1:
            raise ValueError("cycle_days is at least 1")


def build(inputs: DataFrame, inputs_before: DataFrame, days: Days, params: RandomNegativeParams) -> DataFrame:
    """An example for each entity on each of its days: a day in every cycle, which depends on its hash alone."""
    turn = F.pmod(F.xxhash64(*ENTITY, F.lit(params.seed)), F.lit(params.cycle_days))
    lives = inputs.select("ds", *ENTITY, "deleted", logs.until(ENTITY).alias("_until")).where("not deleted")
    begin, last = (
        F.greatest(F.col("ds"), F.lit(days.first)),
        F.least(F.date_sub(F.col("_until").cast("date"), 1), F.lit(days.last).cast("date")),
    )
    lives = lives.select(*ENTITY, F.unix_date(begin.cast("date")).alias("_begin"), F.unix_date(last).alias("_last"), turn.alias("_turn"))
    # Only its own days are counted out: a row for every entity and day would be as many as there are of both.
    lives = lives.withColumn("_first", F.col("_begin") + F.pmod(F.col("_turn") - F.col("_begin"), F.lit(params.cycle_days)))
    lives = lives.where(F.col("_first") <= F.col("_last"))
    drawn = lives.select(*ENTITY, F.explode(F.sequence("_first", "_last", F.lit(params.cycle_days).cast("bigint"))).alias("_day"))
    wanted = logs.kept(drawn.select(F.date_from_unix_date(F.col("_day").cast("int")).cast("string").alias("ds"), *ENTITY).distinct())
    rows = inputs_then(wanted, inputs, inputs_before)
    example_id = F.sha2(F.concat_ws("\x1f", *ENTITY), 256).alias("example_id")
    return rows.select("ds", example_id, *ENTITY, *NAMES, *VECTORS, "input_hash")
