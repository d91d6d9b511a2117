"""The evaluation of serving: the student that counts on one core, the teacher on the same pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pyspark.sql import functions as F

from jobs.commands import Lake, Result, progress
from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import PinlakeError
from jobs.evaluation import metrics
from jobs.evaluation import serving as timing
from jobs.evaluation.metrics import Metric
from jobs.model_plan import Models
from jobs.registry import job as job_named
from jobs.spec import Train
from jobs.students import train_student
from models.served import Served
from models.student import SERVED, Student
from schemas import training
from udfs.engine import threads
from udfs.engine.threads import ThreadPlan

REQUESTS, TEACHER_REQUESTS = 200, 3
PARITY_ROWS = 10_000
READ = 20_000
"""Rows of the table that queries, texts and numbers are taken from, at most."""


def serving(lake: Lake, days: Days, entities: int) -> Result:
    """p50 and p99 of a request on one core, how many times faster the student is, and how far its ONNX form is from torch."""
    day, store, planner = days.last, lake.store, lake.runner.planner()
    ledger = planner.ledger(training.STUDENT_EXAMPLES)
    if not any(known <= day for known in ledger.days):
        raise PinlakeError(f"training.student_examples has no {day}; run first: pinlake run students --day {day}")
    models = Models(store, lake.settings)
    jobs = {name: job for name in ("student", "teacher") if isinstance(job := job_named(f"train_{name}"), Train)}
    counting = {name: models.counting(job.model, day) for name, job in jobs.items()}
    for name, one in counting.items():
        if one is None:
            raise PinlakeError(f"no {name} counts on {day}; run first: pinlake run {name}{'s' if name == 'student' else ''} --day {day}")
    found = {name: models.stored(one) for name, one in counting.items() if one is not None}
    rows = store.frame(training.STUDENT_EXAMPLES, ledger.version).where(F.col("ds") <= day)
    with store.held(training.STUDENT_EXAMPLES, lake.runner.run_id, train_student.build(rows).orderBy("example_id").limit(READ)) as local:
        table = train_student.read(local)
    threads.apply(ThreadPlan(1, 1))
    student = Student.loaded(found["student"].folder)
    served = Served(found["student"].folder / SERVED)
    examples = train_student.examples(table, np.ones(len(table)))
    queries = list(dict.fromkeys(table["query"].to_pylist()))
    places = [int(p) for p in np.unique(examples.text_of, return_index=True)[1]][:entities]
    texts = [examples.texts[examples.text_of[p]] for p in places]
    progress(f"{len(texts)} vectors of texts, made beforehand")
    held = timing.Entities(
        texts, student.encoder.all_vectors(texts, "document").astype(np.float32), examples.graph[places], examples.numbers[places]
    )
    progress(f"the student: {REQUESTS} requests")
    ours = timing.student_times(student, served, [queries[n % len(queries)] for n in range(REQUESTS)], held)
    progress(f"the teacher: {TEACHER_REQUESTS} requests")
    asking = replace(models.alone(jobs["teacher"].loader, found["teacher"], jobs["teacher"].precisions), plan=ThreadPlan(1, 1))
    theirs, precision = timing.teacher_times(asking, queries[:TEACHER_REQUESTS], texts)
    luck = np.random.default_rng(1)
    drawn = luck.integers(len(examples), size=PARITY_ROWS)
    spoken = luck.integers(len(queries[:REQUESTS]), size=PARITY_ROWS)
    asked = student.encoder.all_vectors(queries[:REQUESTS], "query").astype(np.float32)[spoken]
    read = held.vectors[luck.integers(len(texts), size=PARITY_ROWS)]
    apart = timing.parity(student, served, asked, read, examples.graph[drawn], examples.numbers[drawn])
    times = theirs.quantile(0.5) / ours.quantile(0.5)
    result: dict[str, Any] = {
        "day": day,
        "entities": len(texts),
        "student": {**ours.told(), "content_hash": found["student"].content_hash},
        "teacher": {**theirs.told(), "precision": precision, "content_hash": found["teacher"].content_hash},
        "times_faster": round(times, 1),
        "parity": {"rows": PARITY_ROWS, "largest_difference": apart},
    }
    revisions = {name: one.content_hash[:16] for name, one in found.items()}
    versions = {training.STUDENT_EXAMPLES.name: ledger.version}
    told = {
        "student p50_ms": (ours.quantile(0.5), len(ours.seconds)),
        "student p99_ms": (ours.quantile(0.99), len(ours.seconds)),
        "teacher p50_ms": (theirs.quantile(0.5), len(theirs.seconds)),
        "times_faster": (times, len(ours.seconds)),
        "onnx largest difference": (apart, PARITY_ROWS),
    }
    measured = [
        Metric(f"1 query, {len(texts)} entities", "all", name, value, n, None, None, revisions, versions)
        for name, (value, n) in told.items()
    ]
    lake.runner.account([metrics.write(store, lake.runner.run_id, "serving", day, measured)])
    lines = [("", "requests", "p50 ms", "p99 ms")]
    lines += [
        (n, str(t.told()["requests"]), f"{t.quantile(0.5):.1f}", f"{t.quantile(0.99):.1f}")
        for n, t in (("student", ours), ("teacher", theirs))
    ]
    text = (
        f"1 query with {len(texts)} entities on one core; vectors of texts were made before, numbers are as a feature store gives them\n"
        f"{aligned(lines)}\nthe student is {times:.0f} times faster than the teacher ({precision}); "
        f"ONNX is at most {apart:.1e} from torch on {PARITY_ROWS} rows"
    )
    return result, text
