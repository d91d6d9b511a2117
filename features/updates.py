"""From the updates that other systems send to the states of a change log."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from schemas.contract import Table


def states(updates: DataFrame, table: Table) -> DataFrame:
    """A state for every entity and day with an update; an entity's second, different update of a day is refused.

    `updates`: ds, the columns of `table`, and deleted, where there are such rows; it counts as false where it is null.
    """
    key, fields = table.key, [*table.values, "deleted"]
    deleted = F.coalesce("deleted", F.lit(False)) if "deleted" in updates.columns else F.lit(False)
    rows = updates.withColumn("deleted", deleted).select("ds", *key, *fields).distinct()
    place = F.row_number().over(W.partitionBy("ds", *key).orderBy(*fields))
    missing = F.coalesce(*(F.when(F.col(name).isNull(), F.lit(f"{name} is null")) for name in key))
    reason = F.coalesce(missing, F.when(place > 1, F.lit(f"{', '.join(key)} repeated on the day")))
    rows = rows.withColumn("refused", reason)
    source = F.to_json(F.struct("ds", *key), {"ignoreNullFields": "false"})
    return rows.withColumn("refused_key", F.when(F.col("refused").isNotNull(), source))
