"""The evaluation of serving, on one core: the student that counts beside the teacher on the same pairs, and the query encoder of the joint
embedding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pyspark.sql import functions as F

from jobs.commands import Lake, Result
from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import PinlakeError
from jobs.evaluating import query_serving
from jobs.evaluation import metrics
from jobs.evaluation import serving as timing
from jobs.evaluation.metrics import Metric
from jobs.model_plan import Models
from jobs.registry import train
from jobs.students import train_student
from jobs.telling import progress
from models.served import Served
from models.store import Stored
from models.student import SERVED, Student
from schemas import training
from udfs.engine import threads
from udfs.engine.threads import ThreadPlan

REQUESTS, TEACHER_REQUESTS = 200, 3
PARITY_ROWS = 10_000
READ = 20_000
"""Rows of the table that queries, texts and numbers are taken from, at most."""


def serving(lake: Lake, days: Days, entities: int) -> Result:
    """p50 and p99 of a request to the student and to the query encoder, how many times faster than the teacher the student is, and how far
    their ONNX forms are from torch; of those of the two that count on the day. PinlakeError where none does."""
    day, store = days.last, lake.store
    models = Models(store, lake.settings)
    result: dict[str, Any] = {"day": day}
    told, kept = [], []
    embedder = models.counting("embedder", day)
    if embedder is None or models.counting("student", day) is not None:
        found, measured = _student(lake, models, day, entities)
        result |= found
        told.append(_text(found))
        kept += measured
    if embedder is not None:
        result["query_encoder"], measured = query_serving.measured(lake, models.stored(embedder), day)
        told.append(query_serving.text(result["query_encoder"]))
        kept += measured
    lake.runner.account([metrics.write(store, lake.runner.run_id, "serving", day, kept)])
    return result, "\n\n".join(told)


def _student(lake: Lake, models: Models, day: str, entities: int) -> tuple[dict[str, Any], list[Metric]]:
    """{entities, student, teacher, times_faster, parity}, and what is kept of it."""
    store, ledger = lake.store, lake.runner.planner().ledger(training.STUDENT_EXAMPLES)
    if not any(known <= day for known in ledger.days):
        raise PinlakeError(f"training.student_examples has no {day}; run first: pinlake run students --day {day}")
    found = {name: _counting(models, name, tag, day) for name, tag in (("student", "students"), ("teacher", "teacher"))}
    rows = store.frame(training.STUDENT_EXAMPLES, ledger.version).where(F.col("ds") <= day)
    with store.held(training.STUDENT_EXAMPLES, lake.runner.run_id, train_student.build(rows).orderBy("example_id").limit(READ)) as local:
        table = train_student.read(local)
    threads.apply(ThreadPlan(1, 1))
    student, served = Student.loaded(found["student"].folder), Served(found["student"].folder / SERVED)
    examples = train_student.examples(table, np.ones(len(table)))
    held, queries = _held(student, examples, entities), list(examples.queries)
    progress(f"the student: {REQUESTS} requests with {len(held.texts)} entities, whose vectors were made beforehand")
    ours = timing.student_times(student, served, [queries[n % len(queries)] for n in range(REQUESTS)], held)
    progress(f"the teacher: {TEACHER_REQUESTS} requests")
    job = train("train_teacher")
    asking = replace(models.alone(job.loader, found["teacher"], job.precisions), plan=ThreadPlan(1, 1))
    theirs, precision = timing.teacher_times(asking, queries[:TEACHER_REQUESTS], held.texts)
    apart = _apart(student, served, queries[:REQUESTS], held, examples)
    times = theirs.quantile(0.5) / ours.quantile(0.5)
    measured = {
        "student p50_ms": (ours.quantile(0.5), len(ours.seconds)),
        "student p99_ms": (ours.quantile(0.99), len(ours.seconds)),
        "teacher p50_ms": (theirs.quantile(0.5), len(theirs.seconds)),
        "times_faster": (times, len(ours.seconds)),
        "onnx largest difference": (apart, PARITY_ROWS),
    }
    revisions = {name: one.content_hash[:16] for name, one in found.items()}
    versions = {training.STUDENT_EXAMPLES.name: ledger.version}
    name = f"1 query, {len(held.texts)} entities"
    kept = [Metric(name, "all", metric, value, n, None, None, revisions, versions) for metric, (value, n) in measured.items()]
    result = {
        "entities": len(held.texts),
        "student": {**ours.told(), "content_hash": found["student"].content_hash},
        "teacher": {**theirs.told(), "precision": precision, "content_hash": found["teacher"].content_hash},
        "times_faster": round(times, 1),
        "parity": {"rows": PARITY_ROWS, "largest_difference": apart},
    }
    return result, kept


def _counting(models: Models, name: str, tag: str, day: str) -> Stored:
    """The files of the model that counts on the day; PinlakeError where none does."""
    found = models.counting(name, day)
    if found is None:
        raise PinlakeError(f"no {name} counts on {day}; run first: pinlake run {tag} --day {day}")
    return models.stored(found)


def _held(student: Student, examples: Any, most: int) -> timing.Entities:
    """What a server holds of so many entities: a pair of each distinct text, with its vector."""
    places = [int(place) for place in np.unique(examples.text_of, return_index=True)[1]][:most]
    texts = [examples.texts[examples.text_of[place]] for place in places]
    vectors = student.encoder.all_vectors(texts, "document").astype(np.float32)
    return timing.Entities(texts, vectors, examples.graph[places], examples.numbers[places])


def _apart(student: Student, served: Served, queries: list[str], held: timing.Entities, examples: Any) -> float:
    """The largest difference of torch and ONNX over PARITY_ROWS pairs of these queries and entities, with numbers of any pair."""
    luck = np.random.default_rng(1)
    drawn = luck.integers(len(examples), size=PARITY_ROWS)
    asked = student.encoder.all_vectors(queries, "query").astype(np.float32)[luck.integers(len(queries), size=PARITY_ROWS)]
    read = held.vectors[luck.integers(len(held.texts), size=PARITY_ROWS)]
    return timing.parity(student, served, asked, read, examples.graph[drawn], examples.numbers[drawn])


def _text(found: dict[str, Any]) -> str:
    lines = [("", "requests", "p50 ms", "p99 ms")]
    for name in ("student", "teacher"):
        lines.append((name, str(found[name]["requests"]), f"{found[name]['p50_ms']:.1f}", f"{found[name]['p99_ms']:.1f}"))
    return (
        f"1 query with {found['entities']} entities on one core; vectors of texts made before, numbers as a feature store gives them\n"
        f"{aligned(lines)}\nthe student is {found['times_faster']:.0f} times faster than the teacher ({found['teacher']['precision']}); "
        f"ONNX is at most {found['parity']['largest_difference']:.1e} from torch on {PARITY_ROWS} rows"
    )
