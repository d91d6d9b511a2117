"""From a job and the frames of its inputs to the rows of a step: what the runner publishes and what tests replay in memory."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from jobs.days import Days
from jobs.spec import Job, Train
from schemas.contract import CHANGES

REFUSED = ("refused", "refused_key")
STAGED = ("was", *REFUSED)
"""Columns of staged rows that are not published."""


def named(text: str) -> Callable[..., Any]:
    """The function that `module:function` names; ImportError or AttributeError where it does not resolve."""
    module, _, name = text.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def resolved(job: Job) -> Callable[..., DataFrame]:
    """The job's build function."""
    return named(job.build)


def parameters(job: Job, overrides: Mapping[str, Any]) -> Any:
    """The job's params with overrides put in; ValueError names an unknown one and lists those known. None for a job without."""
    if job.params is None:
        if overrides:
            raise ValueError(f"[params.{job.name}]: the job has no parameters")
        return None
    module, _, _ = job.build.partition(":")
    kind = getattr(importlib.import_module(module), job.params)
    if not is_dataclass(kind):
        raise TypeError(f"{job.name}: {job.params} is not a dataclass")
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise ValueError(f"[params.{job.name}]: unknown {', '.join(unknown)}; known: {', '.join(known)}")
    frozen = {name: tuple(v) if isinstance(v, list) else v for name, v in overrides.items()}
    return kind(**frozen)  # type: ignore[operator]


def built(job: Job, frames: Mapping[str, DataFrame], days: Days, params: Any) -> DataFrame:
    """What the build returns, with the columns of `REFUSED` added where it has none."""
    rows = _called(job, frames, days, params)
    for name in REFUSED:
        if name not in rows.columns:
            rows = rows.withColumn(name, F.lit(None).cast("string"))
    return rows


def lesson(job: Train, frames: Mapping[str, DataFrame], days: Days, params: Any) -> DataFrame | Mapping[str, DataFrame]:
    """What the build of a Train returns: the rows that its model learns from, or several parts of them by name."""
    found: DataFrame | Mapping[str, DataFrame] = _called(job, frames, days, params)
    return found


def _called(job: Job, frames: Mapping[str, DataFrame], days: Days, params: Any) -> Any:
    """What the build returns, given what it takes."""
    build = resolved(job)
    takes = inspect.signature(build).parameters
    extra = {name: value for name, value in (("days", days), ("params", params)) if name in takes}
    # What only `blocks` looks at is not given to the build.
    given = frames if job.blocks is None else {name: frame for name, frame in frames.items() if name in takes}
    return build(**given, **extra)


def blocked(job: Job, frames: Mapping[str, DataFrame], days: Days, params: Any) -> str | None:
    """Why nothing may be published, as the job's `blocks` says of its inputs; None where all is well, and for a job without it."""
    if job.blocks is None:
        return None
    look = named(job.blocks)
    takes = inspect.signature(look).parameters
    extra = {name: value for name, value in (("days", days), ("params", params)) if name in takes}
    why: str | None = look(**{name: frame for name, frame in frames.items() if name in takes}, **extra)
    return why


def published_form(job: Job, rows: DataFrame, before: DataFrame | None, days: Days) -> DataFrame:
    """The rows of the step as the table stores them, and the refused ones: the output's fields, its `was` where it has one, `REFUSED`.

    `rows`: what `built` returned; `before`: for a CHANGES output, its opening rows.
    """
    table = job.output
    names = [c.name for c in table.fields] + (["was"] if table.was else [])
    good = rows.where(F.col("refused").isNull())
    if table.kind is CHANGES:
        if before is None:
            raise ValueError(f"{job.name}: a CHANGES output is reduced against its own opening rows")
        good = good.drop(*REFUSED)
        if not days.month_firsts():  # else a base repeats all that lives
            touched = good.where(F.col("ds") >= days.first)
            before = good.where(F.col("ds") < days.first) if job.reads_itself else logs.near(before, touched, table.key)
        good = logs.changes(good, before, table.key, table.values, list(days), table.was)
    good = good.select(*names, *(F.lit(None).cast("string").alias(n) for n in REFUSED))
    refused = rows.where(F.col("refused").isNotNull())
    have = set(refused.columns)
    bad = refused.select(*((F.col(c.name) if c.name in have else F.lit(None).cast(c.type).alias(c.name)) for c in table.fields), *REFUSED)
    return good.unionByName(bad, allowMissingColumns=True)
