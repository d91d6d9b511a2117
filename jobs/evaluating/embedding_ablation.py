"""The evaluation of what makes the joint embedding as good as it is: it is trained anew for it, variant by variant, and nothing that
counts is changed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jobs.building import parameters
from jobs.commands import Lake
from jobs.days import Days
from jobs.embeddings import train_embeddings
from jobs.evaluation import embedding_ablation as ablation
from jobs.evaluation import embeddings as evaluation
from jobs.evaluation.embedding_ablation import Variant
from jobs.evaluation.metrics import Metric
from jobs.model_plan import Models
from jobs.registry import train
from jobs.telling import progress
from models.embedding_training import EXISTING_OF
from models.embedding_training import train as trained
from models.store import Stored
from schemas.embeddings import TASKS


def measured(lake: Lake, day: str, minutes: float) -> tuple[list[dict[str, Any]], list[Metric]]:
    """(a row a variant: {table, variant, recall by task, steps, seconds} or why it was not run, what is kept of them). Each variant has an
    equal share of the minutes."""
    started, job = time.monotonic(), train("train_embeddings")
    params = parameters(job, lake.settings.params.get(job.name, {}))
    models = Models(lake.store, lake.settings)
    encoder = models.start(params.encoder, day)
    found: list[dict[str, Any]] = []
    kept: list[Metric] = []
    some = ablation.variants()
    with _lesson(lake, day) as rows, tempfile.TemporaryDirectory(prefix="pinlake-") as work:
        tasks, skipped = evaluation.judging(rows), ablation.reasons(rows, some)
        left = [one for one in some if one.name not in skipped]
        for one in some:
            row: dict[str, Any] = {"table": one.table, "variant": one.name}
            found.append(row)
            if one.name in skipped:
                row["not_run"] = skipped[one.name]
                continue
            share = (minutes - (time.monotonic() - started) / 60) / len(left)
            left.remove(one)
            if share <= 0:
                row["not_run"] = f"no time was left of {minutes:g} minutes"
                continue
            progress(f"{one.name}: about {share * 60:.0f} s")
            row |= _run(models, rows, one, one.recipe(params.recipe(), share), encoder, tasks, Path(work))
            n = sum(len(task.pairs) for task in tasks.values())
            kept += [Metric("ablation", one.name, f"recall@10 {task}", value, n) for task, value in row["recall"].items()]
    return found, kept


@contextlib.contextmanager
def _lesson(lake: Lake, day: str) -> Iterator[Path]:
    """Within, what a joint embedding of the day is trained on, as local files."""
    job, days = train("train_embeddings"), Days(day, day)
    frames = lake.runner.inputs(job, days, lake.runner.planner())
    params = parameters(job, lake.settings.params.get(job.name, {}))
    with contextlib.ExitStack() as open_, tempfile.TemporaryDirectory(prefix="pinlake-") as folder:
        for part, rows in train_embeddings.build(**frames, days=days, params=params).items():
            local = open_.enter_context(lake.store.held(job.output, lake.runner.run_id, rows))
            (Path(folder) / part).symlink_to(local, target_is_directory=True)
        yield Path(folder)


def _run(
    models: Models, rows: Path, one: Variant, recipe: Any, encoder: Stored, tasks: dict[str, evaluation.Task], work: Path
) -> dict[str, Any]:
    """{recall, steps, seconds} of a variant, on what all variants are judged by."""
    began, job = time.monotonic(), train("train_embeddings")
    own = work / one.name.replace(" ", "-")
    (own / "work").mkdir(parents=True)
    lesson = ablation.lesson(rows, one, own / "rows")
    told = trained(lesson, encoder.folder, recipe, own / "work", own / "out", lambda line: None)
    asking = models.alone(job.loader, Stored(f"path:{own}", f"ablation {own}", own / "out"), ("fp32",))
    read_by, recall = evaluation.asked_alone(asking), {}
    for name, task in evaluation.judging(lesson).items():
        recall[name] = float(np.mean(evaluation.found_by(name, task, read_by)))
    for name, task in tasks.items():  # what exists already, whatever the variant reads
        if TASKS[name] in EXISTING_OF:
            recall[f"{name} among existing"] = float(np.mean(evaluation.found_among_existing(name, task, read_by)))
    shutil.rmtree(own)
    return {"recall": recall, "steps": told["steps"], "seconds": round(time.monotonic() - began)}


def tables(rows: list[dict[str, Any]]) -> list[list[tuple[str, ...]]]:
    """The lines of each table, the whole on top of each."""
    names = [name for name in dict.fromkeys(row["table"] for row in rows) if name != ablation.ALL]
    return [ablation.lines([rows[0], *(row for row in rows if row["table"] == name)]) for name in names]
