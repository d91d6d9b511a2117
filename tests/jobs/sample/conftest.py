"""One sample lake for the tests of its room, written once as plain files: reading it back costs little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.days import Days
from jobs.sample.lake import tables
from jobs.sample.plan import Plan
from schemas.contract import Table

PLAN = Plan(pins=2000, days=Days("2026-01-01", "2026-01-06"), seed=7)


@dataclass(frozen=True)
class Lake:
    """A lake as it was built and as it was stored."""

    plan: Plan
    built: Mapping[Table, DataFrame]
    stored: Mapping[Table, DataFrame]

    def rows(self, table: Table, *wanted: Any) -> list[Any]:
        """The rows of a small selection."""
        return self.stored[table].select(*wanted).collect()


@pytest.fixture(scope="session")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """2 000 pins over six days."""
    built = tables(spark, PLAN.pins, PLAN.days, PLAN.seed)
    folder = tmp_path_factory.mktemp("lake")
    stored = {}
    for table, frame in built.items():
        frame.write.parquet(f"{folder}/{table.name}")
        stored[table] = spark.read.parquet(f"{folder}/{table.name}")
    return Lake(PLAN, built, stored)
