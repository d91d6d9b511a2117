"""Small warehouses to measure in: given tables are written as they are, without an audit; jobs run as every night."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import registry
from jobs.days import Days
from jobs.ledger import Published, short_hash
from jobs.lineage import Lineage
from jobs.model_plan import Models
from jobs.planner import Wanted
from jobs.publication import Publication
from jobs.runner import Runner
from jobs.session import session
from jobs.settings import Settings, load
from jobs.store import Store
from schemas.contract import Table

Rows = Mapping[str, int]
"""Rows by day."""


def started(folder: str | Path, spark: Mapping[str, str] | None = None) -> tuple[Settings, SparkSession]:
    """Settings and a session of two cores whose warehouse is in the folder."""
    settings = load({"master": "local[2]", "driver_memory": "8g", "warehouse": str(Path(folder) / "lake"), "spark": dict(spark or {})})
    return settings, session(settings)


@dataclass
class Lake:
    """A warehouse of the folder, the jobs that ran there last, and whether they ask models."""

    settings: Settings
    spark: SparkSession
    name: str
    models: bool = False

    def __post_init__(self) -> None:
        self.store = Store(self.spark, f"{self.settings.warehouse}/{self.name}")
        self._revisions = 0

    def give(self, table: Table, rows: DataFrame, days: Rows) -> None:
        """Replaces days of a table by rows that were made for it; columns that they lack are null."""
        self._revisions += 1
        have = set(rows.columns)
        told = rows.select(*(F.col(c.name) if c.name in have else F.lit(None).cast(c.type).alias(c.name) for c in table.fields))
        made = {
            day: Published(short_hash(self.name, day, str(self._revisions)), "", count, 0, {}, "given", "given", -1).as_json()
            for day, count in days.items()
        }
        run = f"given{self._revisions}"
        metadata = {"run": run, "job": "given", "code": "", "first": min(days), "last": max(days), "params": {}, "days": made}
        self.store.replace(table, told, list(days), metadata)

    def nothing(self, table: Table, days: Sequence[str]) -> None:
        """Publishes days without rows: also of raw tables, from whose first day on a planner expects what is made of them."""
        self.give(table, self.spark.createDataFrame([], table.ddl), dict.fromkeys(days, 0))

    def run(self, names: Sequence[str], days: Days) -> list[Publication]:
        """Runs the jobs over the days as `pinlake run` does, also where they are current; ValueError where one did not run."""
        jobs = tuple(registry.job(name) for name in names)
        models = Models(self.store, self.settings) if self.models else None
        done = Runner(self.store, Lineage(registry.JOBS), say=lambda line: None, models=models).run(
            Wanted(jobs, days, upstream=False, force=True)
        )
        if missing := set(names) - {one.job for one in done}:
            raise ValueError(f"{', '.join(sorted(missing))} did not run on {days}")
        return done

    def written_bytes(self, table: Table, since: int) -> int:
        """Bytes of the files that commits after the version added to the table."""
        log = Path(self.store.path(table)) / "_delta_log"
        commits = [file for file in sorted(log.glob("*.json")) if int(file.stem) > since]
        actions = (json.loads(line) for file in commits for line in file.read_text().splitlines())
        return sum(action["add"]["size"] for action in actions if "add" in action)


def chance(key: Column, salt: str) -> Column:
    """A number of [0, 1) that only depends on the key and the salt."""
    return F.pmod(F.xxhash64(key, F.lit(salt)), F.lit(1 << 30)) / float(1 << 30)


def words(key: Column, count: int, salt: str) -> Column:
    """So many words of a vocabulary of ten thousand, by key."""
    drawn = [F.concat(F.lit("word"), F.pmod(F.xxhash64(key, F.lit(f"{salt}{n}")), F.lit(10_000)).cast("string")) for n in range(count)]
    return F.concat_ws(" ", *drawn)
