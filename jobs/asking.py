"""Asks a model once for every distinct input, chunk by chunk, and keeps its words: what a killed run had committed is never asked again."""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as installed_version
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import _parse_datatype_string

from jobs.building import named, resolved
from jobs.days import Days
from jobs.ledger import Published
from jobs.publication import Publication
from jobs.spec import Ask, Train
from jobs.store import Store
from schemas.contract import Table
from udfs.engine.faces import PRECISION, REFUSED, asked_udf
from udfs.engine.task import Asking

SLOTS = 1 << 16
"""Chunks are ranges of the first four hex digits of input_hash."""
FIRST_ROWS = 512
GROWTH = 8
"""A chunk is at most so many times the one before: the first one also pays for loading the model."""


@dataclass(frozen=True)
class Questions:
    """What one step asks: the job, its days, the model's revision, and whether only what is new on these days need be asked."""

    job: Ask
    days: Days
    revision: str
    only_new: bool
    asking: Asking
    chunk_seconds: float
    reads: Sequence[Mapping[str, Any]] = ()
    """What the questions are made from (jobs/planner.py: reads)."""


def revision_of(job: Ask | Train, content_hash: str, params: Any) -> str:
    """16 hex digits of a hash over the model's files and over how it is asked."""
    about = {"model": content_hash, "loader": job.loader, "params": asdict(params) if params is not None else {}}
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=list).encode()).hexdigest()[:16]


def ask(
    store: Store,
    run_id: str,
    step: Questions,
    frames: Mapping[str, DataFrame],
    published: Callable[[int], Mapping[str, Published]],
    say: Callable[[str], None],
) -> Publication:
    """Asks what has no answer yet, commits chunk by chunk, and at last notes that the days were asked; `published` makes that note.

    `published` is given the number of answers written. No commit where nothing was asked and the note stands already.
    """
    started = time.time()
    job, table = step.job, step.job.output
    metadata = {
        "run": run_id,
        "job": job.name,
        "code": installed_version("pinlake"),
        "first": step.days.first,
        "last": step.days.last,
        "params": dict(step.asking.options),
        "model_revision": step.revision,
        "content_hash": step.asking.content_hash,
        "reads": list(step.reads),
        "days": {},
    }
    rows = _distinct(store, step, frames).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        counts = rows.agg(F.count(F.lit(1)).alias("all"), F.count_if("_known").alias("kept")).collect()[0]  # one row
        total = counts["all"] - counts["kept"]
        asks = rows.where("not _known").drop("_known").sort("input_hash")
        folder = store.stage(table, run_id, "questions", asks) if total else None
    finally:
        rows.unpersist()
    refused = 0
    if folder is not None:
        refused = _all_chunks(store, run_id, step, frames, store.staged(folder, _ddl(asks)), total, metadata, say)
        store.remove(folder)
    note = published(total)
    stands = store.ledger(table).days
    new = {day: one for day, one in note.items() if day not in stands or stands[day].made_from != one.made_from}
    version = None
    if new:
        version = store.note(table, {**metadata, "days": {day: one.as_json() for day, one in new.items()}})
    elif total:
        version = store.ledger(table).version
    return Publication(
        output=table,
        job=job.name,
        days=step.days,
        run_id=run_id,
        rows=counts["all"],
        changed=total,
        quarantined=refused,
        seconds=time.time() - started,
        version=version,
        digests={day: one.digest for day, one in note.items()},
        started_ms=int(started * 1000),
        metadata=metadata,
        asked=total,
        kept=counts["kept"],
        reads=step.reads,
    )


def _distinct(store: Store, step: Questions, frames: Mapping[str, DataFrame]) -> DataFrame:
    """(input_hash, what finds the input, _known): every distinct question once, and whether it has an answer."""
    build = resolved(step.job)
    takes = inspect.signature(build).parameters
    extra = {"days": step.days} if "days" in takes else {}
    questions = build(**{name: frame for name, frame in frames.items() if name in takes}, **extra)
    if step.only_new:
        questions = questions.where(F.col("ds") >= step.days.first)
    found = [name for name in questions.columns if name not in ("ds", "input_hash")]
    questions = questions.groupBy("input_hash").agg(F.min(F.struct(*found)).alias("_found")).select("input_hash", "_found.*")
    known = answers(store, step.job.output, step.revision).select("input_hash", F.lit(True).alias("_known"))
    return questions.join(known, "input_hash", "left").withColumn("_known", F.coalesce("_known", F.lit(False)))


def answers(store: Store, table: Table, revision: str) -> DataFrame:
    """The answers of one revision; none where the table was never written."""
    return store.frame(table, store.ledger(table).version).where(F.col("model_revision") == revision)


def _ddl(rows: DataFrame) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in rows.dtypes)


def _all_chunks(
    store: Store,
    run_id: str,
    step: Questions,
    frames: Mapping[str, DataFrame],
    questions: DataFrame,
    total: int,
    metadata: Mapping[str, Any],
    say: Callable[[str], None],
) -> int:
    """Asks all questions; returns how many were refused."""
    started, done, refused = time.time(), 0, 0
    for low, high in chunks(total, step.chunk_seconds):
        chunk = questions.where(F.col("input_hash").between(f"{low:04x}", f"{high - 1:04x}g"))  # g: after every hex digit
        written, bad = _one_chunk(store, run_id, step, frames, chunk, (low, high), metadata)
        done, refused = done + written, refused + bad
        rate = done / (time.time() - started)
        left = (total - done) / rate if rate else 0.0
        say(f"{step.job.name} {step.days}: {done} of {total} asked, {rate:.1f} a second; about {left:.0f} s left")
    return refused


def chunks(total: int, seconds: float) -> Iterator[tuple[int, int]]:
    """Ranges [low, high) of the hash's first four digits, as wide as lasts about so many seconds at the pace of the one before."""
    rows, low = FIRST_ROWS, 0
    while low < SLOTS:
        high = min(low + max(1, round(SLOTS * rows / total)), SLOTS)
        started = time.perf_counter()
        yield low, high
        asked = total * (high - low) / SLOTS
        pace = asked / max(time.perf_counter() - started, 1e-3)
        rows, low = max(FIRST_ROWS, int(min(pace * seconds, rows * GROWTH))), high


def _one_chunk(
    store: Store,
    run_id: str,
    step: Questions,
    frames: Mapping[str, DataFrame],
    chunk: DataFrame,
    part: tuple[int, int],
    metadata: Mapping[str, Any],
) -> tuple[int, int]:
    """(answers, refused ones among them) of a chunk, staged and then merged in one commit."""
    job, table = step.job, step.job.output
    slots = max(1, store.spark.sparkContext.defaultParallelism // step.asking.plan.threads)
    asked = _inputs(job, chunk, frames).repartition(slots, "input_hash")
    udf = asked_udf(step.asking, job.answer.name, _parse_datatype_string(job.answer.type))
    answer = asked.select("input_hash", udf(*job.asks).alias("_answer")).select(
        F.lit(step.revision).alias("model_revision"),
        F.substring("input_hash", 1, 1).alias("bucket"),
        "input_hash",
        *(F.col(f"_answer.{name}") for name in (job.answer.name, REFUSED, PRECISION)),
    )
    folder = store.stage(table, run_id, f"chunk_{part[0]}", answer)
    staged = store.staged(folder, table.ddl)
    counts = staged.agg(F.count(F.lit(1)).alias("all"), F.count(REFUSED).alias("refused")).collect()[0]  # one row
    buckets = [f"{digit:x}" for digit in range(part[0] >> 12, ((part[1] - 1) >> 12) + 1)]
    if counts["all"]:
        store.insert(table, staged, step.revision, buckets, metadata)
    store.remove(folder)
    return counts["all"], counts["refused"]


def _inputs(job: Ask, chunk: DataFrame, frames: Mapping[str, DataFrame]) -> DataFrame:
    """input_hash and the columns that the model reads; a question whose input is not found has nulls."""
    if job.payload is None:
        return chunk.select("input_hash", *job.asks)
    payload = named(job.payload)
    takes = inspect.signature(payload).parameters
    found: DataFrame = payload(chunk, **{name: frame for name, frame in frames.items() if name in takes})
    return found.select("input_hash", *job.asks)


def asking_of(job: Ask, params: Any, template: Asking, folder: str, content_hash: str) -> Asking:
    """What travels to the workers: the model's folder, how it is asked, and the session's plan and budget."""
    options = asdict(params) if params is not None else {}
    return replace(template, loader=job.loader, folder=folder, content_hash=content_hash, options=options)
