"""What the page of a day shows, as plain values: of ops.runs, the ledgers, evaluation.metrics, and a bounded sample of pins and queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import watching
from jobs.commands import Lake
from jobs.days import Days, shifted
from jobs.planner import Planner, Wanted
from jobs.spec import Ask, Train
from schemas import embeddings, evaluation, labels, ops, signals, texts
from schemas.contract import Table

Vectors = tuple[list[str], np.ndarray]
"""Ids, and a vector of length 1 for each."""
BACK = 30
"""Days that charts go back."""
SLOWEST = 12
NEIGHBOURS = 5


@dataclass(frozen=True)
class Sampled:
    """How many pins and public queries the page holds, drawn by hash."""

    pins: int = 400
    queries: int = 200


def gathered(lake: Lake, day: str, sampled: Sampled) -> dict[str, Any]:
    """Everything that the page shows of a day."""
    planner = lake.runner.planner()
    return {
        "day": day,
        "runs": _runs(lake, day),
        "slowest": _slowest(lake, day),
        "watched": [one for job in lake.lineage.jobs if job.output.watches and (one := _series(lake, job.output, day))],
        "metrics": _metrics(lake, day),
        "tables": _tables(lake, day),
        "stale": _stale(lake, planner, day),
        "browser": _browser(lake, planner, day, sampled),
    }


def _runs(lake: Lake, day: str) -> list[dict[str, Any]]:
    """The newest publication or refusal of every job that the day is in, in the order in which they began."""
    if not lake.store.commits(ops.RUNS):
        return []
    rows = lake.store.frame(ops.RUNS).where((F.col("first_ds") <= day) & (F.col("last_ds") >= day)).drop("metadata", "reads")
    newest: dict[str, Any] = {}
    for row in rows.orderBy("started_at").collect():  # a row a job and a run of the day
        newest[row.job] = row
    found = [row.asDict() for row in sorted(newest.values(), key=lambda row: row.started_at)]
    return [{**row, "started_at": row["started_at"].timestamp()} for row in found]


def _slowest(lake: Lake, day: str) -> list[dict[str, Any]]:
    """The jobs that took longest a day of data over the last weeks."""
    if not lake.store.commits(ops.RUNS):
        return []
    recent = lake.store.frame(ops.RUNS).where(F.col("last_ds").between(shifted(day, -BACK), day) & F.col("version").isNotNull())
    days = F.datediff("last_ds", "first_ds") + 1
    rows = recent.groupBy("job").agg(
        F.round(F.sum("seconds") / F.sum(days), 1).alias("a_day"),
        F.round(F.max("seconds"), 1).alias("longest"),
        F.count(F.lit(1)).alias("runs"),
    )
    return [row.asDict() for row in rows.orderBy(F.desc("a_day")).limit(SLOWEST).collect()]


def _series(lake: Lake, table: Table, day: str) -> dict[str, Any] | None:
    """What was watched of a table over the last weeks, by watch; None where nothing is published."""
    known = lake.store.ledger(table).days
    days = [one for n in range(BACK, -1, -1) if (one := shifted(day, -n)) in known and known[one].watched]
    if not days:
        return None
    lines = []
    for watch in table.watches:
        of_days = ((one, known[one].watched[watch.name]) for one in days if watch.name in known[one].watched)
        values = [(one, value) for one, numbers in of_days if (value := watching.value(numbers)) is not None]
        lines.append({"name": watch.name, "says": watch.says, "share": watch.mean is not None, "values": values})
    return {"table": table.name, "lines": [line for line in lines if line["values"]]}


def _metrics(lake: Lake, day: str) -> list[dict[str, Any]]:
    """The newest measures up to the day, of whole data sets and of slices."""
    if not lake.store.commits(evaluation.METRICS):
        return []
    rows = lake.store.frame(evaluation.METRICS).where((F.col("ds") <= day) & F.col("value").isNotNull())
    newest = rows.groupBy("evaluation", "data_set").agg(F.max("ds").alias("ds"))
    rows = rows.join(newest, ["evaluation", "data_set", "ds"]).select(
        "ds", "evaluation", "data_set", "slice", "metric", "value", "count", "lower", "upper"
    )
    return [row.asDict() for row in rows.orderBy("evaluation", "data_set", "slice", "metric").collect()]  # some hundred


def _tables(lake: Lake, day: str) -> list[dict[str, Any]]:
    """Every connected table: rows and refused rows of the day, the newest day, and how many days it lags."""
    found = []
    for job in lake.lineage.jobs:
        known = lake.store.ledger(job.output).days
        last = max((one for one in known if one <= day), default=None)
        if last is None:
            continue
        of_day = known.get(day)
        lag = (dt.date.fromisoformat(day) - dt.date.fromisoformat(last)).days
        rows, refused = (of_day.rows, of_day.refused) if of_day else (None, None)
        found.append({"table": job.output.name, "job": job.name, "rows": rows, "refused": refused, "last": last, "lag": lag})
    return found


def _stale(lake: Lake, planner: Planner, day: str) -> list[dict[str, Any]]:
    """Jobs whose day is missing or stale, and why; those that train or label are made for chosen days and left out."""
    days = Days(day, day)
    found = []
    for job in lake.lineage.jobs:
        if isinstance(job, Train | Ask) or planner.not_connected(job):
            continue
        for todo in planner.todo(Wanted((job,), days, upstream=False, force=False), job, days):
            if lake.store.ledger(job.output).days:
                found.append({"job": job.name, "table": job.output.name, "why": todo.why})
    return found


def _browser(lake: Lake, planner: Planner, day: str, sampled: Sampled) -> dict[str, Any]:
    """Pins and public queries drawn by hash, with sources, text, labels of the day and nearest neighbours among those drawn."""
    said = lake.live(planner, texts.PINS, day)
    public = lake.live(planner, signals.PUBLIC_QUERIES, day)
    if said is None:
        return {"pins": [], "queries": []}
    pins = (
        said.orderBy(F.xxhash64("pin_id"), "pin_id").limit(sampled.pins).drop("ds", "deleted", "changed", "text_hash").toArrow().to_pylist()
    )
    asked = [] if public is None else public.orderBy(F.xxhash64("query"), "query").limit(sampled.queries).select("query").collect()
    queries = [row.query for row in asked]
    vectors = {
        kind: _vectors(lake, planner, table, day, ids)
        for kind, table, ids in (("pin", embeddings.PINS, [pin["pin_id"] for pin in pins]), ("query", embeddings.QUERIES, queries))
    }
    labelled = _labels(lake, day, public, [pin["pin_id"] for pin in pins])
    by_pin: dict[str, list[dict[str, Any]]] = {}
    for one in labelled:
        by_pin.setdefault(one["entity_id"], []).append(one)
    near_pins, near_queries = _near(vectors["pin"], vectors["pin"]), _near(vectors["query"], vectors["pin"])
    for pin in pins:
        pin["labels"] = by_pin.get(pin["pin_id"], [])
        pin["near"] = near_pins.get(pin["pin_id"], [])
    return {"pins": pins, "queries": [{"query": query, "near": near_queries.get(query, [])} for query in queries]}


def _labels(lake: Lake, day: str, public: DataFrame | None, pins: list[str]) -> list[dict[str, Any]]:
    """What the teacher said that day of the pins, for queries that are public on it."""
    if public is None or day not in lake.store.ledger(labels.TEACHER_SCORES).days:
        return []
    rows = lake.store.frame(labels.TEACHER_SCORES).where((F.col("ds") == day) & (F.col("entity_type") == "pin"))
    rows = rows.where(F.col("entity_id").isin(pins)).join(public.select("query"), "query", "left_semi")
    shown = rows.select("entity_id", "query", "grade", F.round("expected_grade", 2).alias("expected_grade"))
    return [row.asDict() for row in shown.orderBy("entity_id", F.desc("expected_grade"), "query").collect()]  # of the drawn pins


def _vectors(lake: Lake, planner: Planner, table: Table, day: str, ids: list[str]) -> Vectors:
    """(ids, vectors) of those drawn that have one."""
    from models.columns import singles_of

    live = lake.live(planner, table, day)
    key = table.key[0]
    if live is None or not ids:
        return [], np.zeros((0, 1), np.float32)
    rows = live.where(F.col(key).isin(ids)).select(key, "vector").orderBy(key).toArrow()
    if not len(rows):
        return [], np.zeros((0, 1), np.float32)
    return rows[key].to_pylist(), singles_of(rows["vector"].combine_chunks())


def _near(of: Vectors, among: Vectors) -> dict[str, list[dict[str, Any]]]:
    """Of each of the first its nearest among the second, itself left out, best first."""
    from models.nearest import nearest

    if not of[0] or not among[0]:
        return {}
    scores, places = nearest(of[1], among[1], NEIGHBOURS + 1)
    found = {}
    for one, cosines, at in zip(of[0], scores, places, strict=True):
        others = [(among[0][place], cosine) for place, cosine in zip(at, cosines, strict=True) if place >= 0]
        others = [other for other in others if of is not among or other[0] != one][:NEIGHBOURS]
        found[one] = [{"pin_id": name, "cosine": round(float(cosine), 3)} for name, cosine in others]
    return found


def systems(metrics: list[Mapping[str, Any]], name: str) -> dict[str, dict[str, dict[str, Any]]]:
    """{data set: {system: {measure: row}}} of an evaluation over whole data sets; a metric is `system measure`."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in metrics:
        system, _, measure = row["metric"].rpartition(" ")
        if row["evaluation"] == name and row["slice"] == "all" and system and " - " not in system:
            found.setdefault(row["data_set"], {}).setdefault(system, {})[measure] = dict(row)
    return found
