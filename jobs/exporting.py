"""Feeds for systems that keep the newest row of each entity: the rows that changed, day by day, as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.errors import UsageError
from schemas import features, texts
from schemas.contract import Table

FEEDS: dict[str, Table] = {"entities": features.ENTITIES, "pins": texts.PINS, "products": texts.PRODUCTS}
"""What can be exported, by the name on the command line."""


def feed(stored: DataFrame, days: Days) -> DataFrame:
    """The true changes of a log in the days: a tombstone where an entity left, no row that a month's first only repeats."""
    return stored.where(F.col("ds").between(days.first, days.last) & F.col("changed")).drop("changed")


def write(rows: DataFrame, out: Path) -> int:
    """Writes the rows as Parquet, a folder `ds=DAY` a day, whole or not at all; how many there are. UsageError where something is there."""
    with whole(out) as unfinished:
        rows.write.partitionBy("ds").parquet(str(unfinished))
        return rows.sparkSession.read.schema(rows.schema).parquet(str(unfinished)).count()


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A folder to write to, which is given the name `out` at the end, where all went well; UsageError where something is there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} holds something already: name a new or empty folder")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.absolute().parent}")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield unfinished
        if out.exists():
            out.rmdir()
        unfinished.replace(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
