"""Runs jobs over tables held in memory, step by step, exactly as the runner does over Delta: for tests that cut a range in every way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.logs import kept
from jobs.building import STAGED, built, parameters, published_form
from jobs.days import Days
from jobs.reading import read
from jobs.session import FEW, configured, held
from jobs.spec import Job, opening
from schemas.contract import CHANGES, Table

MANY = {name: "FALLBACK" if name == "spark.sql.codegen.factoryMode" else "true" for name in FEW}
"""Spark's and Delta's own values of what steps of few rows are planned without."""


def frame(spark: SparkSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Rows given as dicts, in the table's schema; columns left out are null, `deleted` false and `changed` true."""
    defaults = {"deleted": False, "changed": True}
    names = [c.name for c in table.fields]
    return spark.createDataFrame([tuple(r.get(n, defaults.get(n)) for n in names) for r in rows], table.ddl)


def planned_for_many(spark: SparkSession) -> AbstractContextManager[None]:
    """The session as Spark plans for many rows: adaptive, compiled, with Delta's statistics (the suite plans for few)."""
    return configured(spark, MANY)


def replay(
    spark: SparkSession,
    jobs: Sequence[Job],
    raw: Mapping[Table, DataFrame],
    steps: Sequence[Days],
    params: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[Table, DataFrame]:
    """The tables that the jobs (in order of dependence) write over the steps.

    The first day of every table is the first day of the first step.
    """
    stored = dict(raw)
    first = steps[0].first
    rows = 0 if spark.conf.get("spark.sql.codegen.factoryMode", None) == FEW["spark.sql.codegen.factoryMode"] else None
    for days in steps:
        for job in jobs:
            frames = {}
            for name, given in job.inputs.items():
                have = stored.get(given.table)
                have = frame(spark, given.table, []) if have is None else have
                frames[name] = held(read(have, given.table, given.read, days, first), rows)
            own = stored.get(job.output)
            own = frame(spark, job.output, []) if own is None else own
            before = read(own, job.output, opening(), days, first) if job.output.kind is CHANGES else None
            made = kept(built(job, frames, days, parameters(job, (params or {}).get(job.name, {}))))
            good = published_form(job, made, before, days).where(F.col("refused").isNull()).drop(*STAGED)
            stored[job.output] = own.unionByName(good).localCheckpoint()
    return stored
