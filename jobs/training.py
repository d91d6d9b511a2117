"""Trains a model once for the same rows, parameters and models to start from; a killed training goes on where it was."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.building import REFUSED, named
from jobs.errors import PinlakeError
from jobs.lessons import Lesson, Say
from jobs.publication import Publication, Step, publish
from jobs.spec import Train
from jobs.store import Store
from models.store import Stored

if TYPE_CHECKING:
    from jobs.model_plan import Models

Rows = DataFrame | Mapping[str, DataFrame]
"""What a model learns from: one frame, or several by name, each of which the trainer finds in a folder of its own."""
CARD = "card.json"
"""What a trained model's folder tells of itself: data, parameters, metrics."""


@dataclass(frozen=True)
class Trained:
    """A trained model's folder, the key that it was trained for, how many rows by split, and whether it was there before."""

    folder: Path
    key: str
    rows: Mapping[str, int]
    kept: bool


def train(
    store: Store, run_id: str, job: Train, rows: Rows, params: Any, starts: Mapping[str, Stored], models: Models, day: str, say: Say
) -> tuple[Trained, Path]:
    """The folder of the model that these rows make, trained where it is not there yet, and the rows as local files."""
    folders = {name: store.stage(job.output, run_id, f"lesson_{name}", part) for name, part in _parts(rows).items()}
    counted = [
        (f"{name} {row.split}".strip(), row.n, str(row.digest))
        for name, part in _parts(rows).items()
        for row in _counted(store.staged(folders[name], ", ".join(f"{column} {kind}" for column, kind in part.dtypes)))
    ]
    by_split = {name: n for name, n, _ in counted}
    about = {
        "rows": {name: [n, digest] for name, n, digest in counted},
        "trainer": job.trainer,
        "params": asdict(params),
        "starts_from": {part: {"spec": one.spec, "content_hash": one.content_hash} for part, one in starts.items()},
    }
    keyed = {**about, "starts_from": {part: one.content_hash for part, one in starts.items()}}
    key = hashlib.sha256(json.dumps(keyed, sort_keys=True, default=list).encode()).hexdigest()[:16]
    out = models.trained() / job.model / key
    work, local = out.with_name(f"{key}.work"), out.with_name(f"{key}.rows")
    work.mkdir(parents=True, exist_ok=True)
    with alone(work, job):
        shutil.rmtree(local, ignore_errors=True)
        for name, folder in folders.items():
            (local / name).parent.mkdir(exist_ok=True)  # the folder itself must not be there: files would go into another one in it
            store.fetch(folder, local / name)
            store.remove(folder)
        kept = out.is_dir()
        if not kept:
            say(f"{job.name}: {', '.join(f'{n} {split}' for split, n in sorted(by_split.items()))} rows, in {work}")
            _trained(Lesson(local, starts, params, work, work / "out", say), job, models, {"day": day, **about}, out)
        shutil.rmtree(work, ignore_errors=True)
    return Trained(out, key, by_split, kept), local


def _parts(rows: Rows) -> Mapping[str, DataFrame]:
    """The parts by name; of a single frame that of no name."""
    return rows if isinstance(rows, Mapping) else {"": rows}


def _counted(part: DataFrame) -> list[Row]:
    """How many rows each split has, and a digest of them; one row where there are no splits."""
    split = F.col("split") if "split" in part.columns else F.lit("")
    digest = F.sum(F.xxhash64(*part.columns).cast("decimal(38,0)"))
    return part.groupBy(split.alias("split")).agg(F.count(F.lit(1)).alias("n"), digest.alias("digest")).orderBy("split").collect()


def _trained(lesson: Lesson, job: Train, models: Models, about: Mapping[str, Any], out: Path) -> None:
    """The model's folder, whole: trained, measured, its card written, and then given its name."""
    shutil.rmtree(lesson.out, ignore_errors=True)
    lesson.out.mkdir()
    told = named(job.trainer)(lesson)
    unfinished = Stored(f"path:{lesson.out}", f"unfinished {out.name}", lesson.out)
    measured = named(job.measure)(lesson.rows, models.alone(job.loader, unfinished, job.precisions), lesson.say)
    card = {"model": job.model, "job": job.name, "code": installed_version("pinlake"), **about, "run": told, "metrics": measured}
    (lesson.out / CARD).write_text(json.dumps(card, indent=1, sort_keys=True, default=list) + "\n", encoding="utf-8")
    os.replace(lesson.out, out)


@contextlib.contextmanager
def alone(work: Path, job: Train) -> Iterator[None]:
    """Within, no other process trains the same model; PinlakeError where one does."""
    lock = os.open(work.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
        except BlockingIOError:
            raise PinlakeError(f"{job.name}: another run trains the same model in {work}; wait for it, and run again") from None
        yield
    finally:
        os.close(lock)


def judged(job: Train, models: Models, model: Stored, day: str, rows: Path, say: Say) -> dict[str, Any]:
    """{promoted, counts, why, metrics}: whether the model counts on the day already, or may from it on, by the job's judge."""
    current = models.counting(job.model, day)
    card = json.loads((model.folder / CARD).read_bytes())
    if current is not None and current.content_hash == model.content_hash:
        metrics = {name: value for name, value in card["metrics"].items() if name.startswith("mean_")}
        return {"promoted": True, "counts": True, "why": f"it counts already, from {current.since} on", "metrics": metrics}
    old = models.alone(job.loader, models.stored(current), job.precisions) if current is not None else None
    found = named(job.judge)(rows, card["metrics"], old, models.start(job.beside, day).folder, say)
    return {"promoted": found.promote, "counts": False, "why": found.why, "metrics": found.metrics}


def published(
    store: Store, run_id: str, job: Train, step: Step, trained: Trained, model: Stored, starts: Mapping[str, Stored], params: Any
) -> Publication:
    """Publishes which model came of the rows up to the step's day."""
    row = (
        step.days.last,
        job.model,
        model.content_hash,
        model.spec,
        trained.key,
        {part: one.content_hash for part, one in starts.items()},
        dict(trained.rows),
        json.dumps(asdict(params), sort_keys=True, default=list),
    )
    rows = store.spark.createDataFrame([row], job.output.ddl)
    return publish(store, run_id, step, rows.select("*", *(F.lit(None).cast("string").alias(name) for name in REFUSED)))
