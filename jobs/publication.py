"""Write, audit, publish: staged files, facts and digests, and one commit of the days that differ from the published ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import quality, watching
from jobs.building import REFUSED, STAGED
from jobs.days import Days
from jobs.ledger import Published
from jobs.store import ATTEMPTS, Conflict, Store
from schemas import ops
from schemas.contract import Table


@dataclass(frozen=True)
class Publication:
    """What became of a step: counts of rows built, written and refused, the digest of every day, the commit's version if there was one."""

    output: Table
    job: str
    days: Days
    run_id: str
    rows: int
    changed: int
    quarantined: int
    seconds: float
    version: int | None
    digests: Mapping[str, str]
    started_ms: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    asked: int | None = None
    """Of an Ask: distinct questions that were put to the model; `kept` had an answer already."""
    kept: int | None = None
    model: Mapping[str, Any] | None = None
    """Of a Train: content_hash, spec, whether it was `kept` from before, whether it was `promoted`, and why."""
    reads: Sequence[Mapping[str, Any]] = ()
    """What the rows were made from (jobs/planner.py: reads)."""
    unusual: tuple[str, ...] = ()
    """What of its days was unusual beside those before, a line each, and published all the same."""
    refused: str | None = None
    """Why nothing was published, where a check or another writer forbade it."""


@dataclass(frozen=True)
class Step:
    """What is to be published: a job's rows for days, and what each day is made from."""

    job: str
    output: Table
    days: Days
    made_from: Callable[[Mapping[str, str]], Mapping[str, Mapping[str, str]]] = lambda digests: {}
    """Fingerprints of what each day is made from, given the digests of the days of the step."""
    params: Mapping[str, Any] = field(default_factory=dict)
    since: int = -1
    """The version of the output when the run read its inputs: newer commits on the days are conflicts."""
    reads: Sequence[Mapping[str, Any]] = ()
    """What the rows are made from (jobs/planner.py: reads)."""
    accept_unusual: bool = False
    """Publish days that differ from those before more than is usual, too."""


def publish(
    store: Store, run_id: str, step: Step, rows: DataFrame, checked: Callable[[DataFrame, watching.Facts], None] | None = None
) -> Publication:
    """Publishes the rows (the output's fields and `REFUSED`) of a step; Refused leaves the table as it was.

    `checked` may look at the staged rows and their facts and refuse them, before anything is committed.
    """
    started = time.time()
    table, days = step.output, step.days
    folder = store.stage(table, run_id, f"{step.job}_{days.first}_{days.last}".replace("-", ""), rows)
    staged = store.staged(folder, ", ".join([table.staged_ddl, *(f"{name} string" for name in REFUSED)]))
    found = quality.facts(staged, table, days)
    known = {day: one.watched for day, one in store.ledger(table).days.items()} if table.watches else {}
    watched = watching.watched(table, {day: found[day] for day in days}, known)
    unusual = quality.judge(staged, table, found, {**known, **watched}, step.accept_unusual)
    if checked is not None:
        checked(staged, found)
    digests = {day: quality.day_digest(counts) for day, counts in found.items()}
    origins = step.made_from(digests)
    made = {
        day: Published(
            digests[day],
            quality.refusals_digest(c),
            c["rows"],
            c["refused"],
            origins.get(day, {}),
            run_id,
            step.job,
            -1,
            watched.get(day, {}),
        )
        for day, c in found.items()
    }
    version, changed, metadata = _commit(store, run_id, step, staged, made)
    store.remove(folder)
    return Publication(
        output=table,
        job=step.job,
        days=days,
        run_id=run_id,
        rows=sum(c["rows"] for c in found.values()),
        changed=sum(found[day]["rows"] for day in changed),
        quarantined=sum(c["refused"] for c in found.values()),
        seconds=time.time() - started,
        version=version,
        digests=digests,
        started_ms=int(started * 1000),
        metadata=metadata,
        reads=step.reads,
        unusual=tuple(unusual),
    )


def _commit(
    store: Store, run_id: str, step: Step, staged: DataFrame, made: Mapping[str, Published]
) -> tuple[int | None, list[str], Mapping[str, Any]]:
    """(version, days written, metadata); no commit where every day is published with the same rows, refusals and origins."""
    quarantined = False
    for attempt in range(ATTEMPTS):
        ledger = store.ledger(step.output)
        published = {day: ledger.days.get(day) for day in made}
        differs = [d for d, p in published.items() if p is None or (p.digest, p.refusals) != (made[d].digest, made[d].refusals)]
        moved = [d for d, p in published.items() if d not in differs and p is not None and p.made_from != made[d].made_from]
        if not differs and not moved:
            return None, [], {}
        if theirs := [d for d in differs if (p := published[d]) is not None and p.version > step.since]:
            raise Conflict(step.output, theirs)
        written = [d for d in differs if made[d].rows or ((p := published[d]) is not None and p.rows)]
        if not quarantined:
            quarantined = _quarantine(store, run_id, step, staged, [d for d in (*differs, *moved) if made[d].refused])
        metadata = {
            "run": run_id,
            "job": step.job,
            "code": installed_version("pinlake"),
            "first": step.days.first,
            "last": step.days.last,
            "params": dict(step.params),
            "reads": list(step.reads),
            "days": {day: made[day].as_json() for day in sorted(differs + moved)},
        }
        rows = staged.where(F.col("refused").isNull() & F.col("ds").isin(*written)) if written else staged.limit(0)
        try:
            return store.replace(step.output, rows.drop(*STAGED), written, metadata), differs, metadata
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _quarantine(store: Store, run_id: str, step: Step, staged: DataFrame, days: list[str]) -> bool:
    """Keeps the refused rows of the days under the run's id; they count once the run's commit stands."""
    if not days:
        return False
    table = step.output
    key = F.to_json(quality.masked_struct(table, table.key), {"ignoreNullFields": "false"})
    rest = [c.name for c in table.fields if c.name not in table.key]
    store.append(
        ops.QUARANTINE,
        staged.where(F.col("refused").isNotNull() & F.col("ds").isin(*days)).select(
            F.lit(run_id).alias("run_id"),
            F.lit(table.name).alias("output"),
            "ds",
            F.col("refused").alias("reason"),
            F.coalesce("refused_key", key).alias("row_key"),
            F.substring(F.to_json(quality.masked_struct(table, rest)), 1, 4000).alias("row"),
        ),
    )
    return True
