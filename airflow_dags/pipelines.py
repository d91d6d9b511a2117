"""Which jobs each DAG runs, in which order and when: derived from the registry. Knows no Airflow, and no Spark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.lineage import Lineage
from jobs.registry import EMBEDDINGS, JOBS, LABELS, NIGHTLY, STUDENTS, TEACHER
from jobs.spec import Ask, Job, Train
from schemas.evaluation import METRICS

WEEKLY = ("vocabulary", "train_teacher", "train_student", "train_embeddings")
"""Jobs of which a day a week is enough: what trains, and the vocabulary, which a trainer reads of its own day alone."""
EVALUATED = {"train_teacher": "teacher", "train_student": "distillation", "train_embeddings": "embeddings"}
"""The evaluation (`pinlake evaluate NAME`) that follows a training."""
HOURS = {Job: 3, Ask: 12, Train: 6}
"""A task is ended after so many hours."""


@dataclass(frozen=True)
class Step:
    """A task: its name, the words of the command before the days, the table that it writes, the steps it waits for, what it is about."""

    name: str
    words: tuple[str, ...]
    table: str
    after: tuple[str, ...]
    hours: int
    doc: str


@dataclass(frozen=True)
class Pipeline:
    """A DAG: its steps in an order in which they can run, its days, and how many hours after a day has ended it starts on it.

    `cron` is due at the start of a day, in UTC: of the day itself, or, with `offset` -1, of the day after it.
    """

    name: str
    doc: str
    cron: str
    offset: int
    starts: int
    steps: tuple[Step, ...]


def pipelines() -> tuple[Pipeline, ...]:
    """The three DAGs: every job is in exactly one, and reads what the same or an earlier one writes."""
    lineage = Lineage(JOBS)
    nightly = _above(lineage, NIGHTLY + EMBEDDINGS)
    labels = [job for job in _above(lineage, TEACHER + LABELS + STUDENTS) if job not in nightly]
    weekly = [job for job in lineage.jobs if job.name in WEEKLY]
    return (
        Pipeline(
            "nightly",
            "Signals, texts, and the embeddings of whatever changed, of the day that ended.",
            "0 0 * * *",
            -1,
            2,
            _steps(lineage, nightly),
        ),
        Pipeline(
            "labels",
            "Pairs of the day's searches, what the teacher says of them, and what students learn from. After `nightly` of the same day.",
            "0 0 * * *",
            -1,
            6,
            _steps(lineage, labels),
        ),
        Pipeline(
            "weekly",
            "Trains teacher, student and joint embedding on all up to a Sunday. Each counts from then on where it is no worse than the one "
            "before, and is measured. After `labels` of that day.",
            "0 0 * * 0",
            0,
            9,
            _steps(lineage, weekly),
        ),
    )


def pipeline(name: str) -> Pipeline:
    """The DAG of that name; KeyError where there is none."""
    return {one.name: one for one in pipelines()}[name]


def _above(lineage: Lineage, tags: Iterable[str]) -> list[Job]:
    """The jobs of the tags and all that they read from, without those of a week."""
    chosen = [job for job in lineage.jobs if set(job.tags) & set(tags) and job.name not in WEEKLY]
    return [job for job in lineage.upstream(chosen) if job.name not in WEEKLY]


def _steps(lineage: Lineage, jobs: list[Job]) -> tuple[Step, ...]:
    found = []
    for job in jobs:
        before = [up for up in lineage.above(job) if up in jobs]
        implied = {far for up in before for far in lineage.upstream([up]) if far != up}
        after = tuple(up.name for up in before if up not in implied)
        table = job.output
        doc = f"{job.doc}\n\nWrites `{table.name}`: {table.doc}"
        found.append(Step(job.name, ("run", job.name, "--if-connected"), table.name, after, HOURS[type(job)], doc))
    for trained, name in EVALUATED.items():
        if trained in {job.name for job in jobs}:
            doc = f"Measures what `{trained}` made.\n\nWrites `{METRICS.name}`: {METRICS.doc}"
            found.append(Step(f"evaluate_{name}", ("evaluate", name, "--if-connected"), METRICS.name, (trained,), HOURS[Train], doc))
    return tuple(found)
