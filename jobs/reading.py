"""How a stored table becomes the frame that a build takes: one function for each way of `jobs.spec.Read`."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from jobs.days import Days, shifted
from jobs.spec import Mode, Read
from schemas.contract import Table


def read(stored: DataFrame, table: Table, how: Read, days: Days, first: str) -> DataFrame:
    """The rows that a job reads for `days`, of a table whose first day is `first` (`stored`: all its columns, ds among them)."""
    span = how.span(days, first)
    if span is None:
        rows = stored.where(F.lit(False))
        return rows.drop("changed") if how.mode in (Mode.LOG, Mode.OPENING) else rows
    rows = stored.where(F.col("ds").between(span.first, span.last))
    if how.mode is Mode.OPENING:
        return logs.opened(rows, shifted(days.first, -how.lag), table.key)
    if how.mode is Mode.LOG:
        rows = logs.as_log(rows, shifted(days.first, -how.lag), shifted(days.last, -how.lag), table.key)
        return rows.withColumn("ds", F.date_add(F.col("ds").cast("date"), how.lag).cast("string")) if how.lag else rows
    return rows
