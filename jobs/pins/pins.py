"""state.pins: the newest known fields of every pin."""

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from schemas import state


def build(updates: DataFrame) -> DataFrame:
    """A state for every pin and day with an update; a pin's second, different update of a day is refused."""
    fields = [*state.PINS.values, "deleted"]
    rows = updates.withColumn("deleted", F.coalesce("deleted", F.lit(False))).select("ds", "pin_id", *fields).distinct()
    place = F.row_number().over(W.partitionBy("ds", "pin_id").orderBy(*fields))
    reason = F.when(F.col("pin_id").isNull(), F.lit("pin_id is null")).when(place > 1, F.lit("pin_id repeated on the day"))
    rows = rows.withColumn("refused", reason)
    source = F.to_json(F.struct("ds", "pin_id"), {"ignoreNullFields": "false"})
    return rows.withColumn("refused_key", F.when(F.col("refused").isNotNull(), source))
