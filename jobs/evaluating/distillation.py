"""The evaluation of distillation: students are trained for it, and nothing that counts is changed; a killed one goes on where it was."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from jobs import registry
from jobs.asking import revision_of
from jobs.building import parameters
from jobs.commands import Lake, Result
from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import NotConnected
from jobs.evaluating.pictures import place
from jobs.evaluation import distillation as curves
from jobs.evaluation import metrics, planted_grades
from jobs.evaluation import teacher as evaluation
from jobs.evaluation.distillation import HUMAN, Point
from jobs.evaluation.relevance import System, differences, measured
from jobs.evaluation.student import graded, refuse_own_labels
from jobs.ledger import short_hash
from jobs.model_plan import Models
from jobs.spec import Ask, Train
from jobs.students import train_student
from jobs.telling import progress
from jobs.training import alone
from models.store import Stored
from schemas import sample, training
from schemas.features import NUMBERS, TEXT_NUMBERS
from udfs.engine.task import Asking
from udfs.student import ASKS


def distillation(lake: Lake, days: Days, multiples: Sequence[float], picture: Path | None) -> Result:
    """Students of people's labels alone and of growing multiples of the teacher's, on graded test queries; of a sample lake also against
    its truth."""
    day, store, planner = days.last, lake.store, lake.runner.planner()
    ledger = planner.ledger(training.STUDENT_EXAMPLES)
    if not any(known <= day for known in ledger.days):
        raise NotConnected(f"training.student_examples has no {day}; run first: pinlake run students --day {day}")
    job, teachers = registry.train("train_student"), registry.train("train_teacher")
    models = Models(store, lake.settings)
    teacher = models.counting(teachers.model, day)
    if teacher is None:
        raise NotConnected(f"no teacher counts on {day}; run first: pinlake run teacher --day {day}")
    params = parameters(job, lake.settings.params.get(job.name, {}))
    encoder = models.start(params.encoder, day)
    rows = train_student.build(store.frame(training.STUDENT_EXAMPLES, ledger.version).where(F.col("ds") <= day))
    found: dict[str, Any] = {}
    curve: dict[str, Any] = {}
    about = json.dumps([ledger.version, day, asdict(params), encoder.content_hash], sort_keys=True, default=list)
    kept = models.trained() / job.model / f"{short_hash(about)}.curve"
    with store.held(training.STUDENT_EXAMPLES, lake.runner.run_id, rows) as local, _kept(kept, job) as work:
        table = train_student.read(local)
        sets = evaluation.data_sets(graded(table), name=training.STUDENT_EXAMPLES.name)
        if not sets:
            raise NotConnected(f"no graded pairs of test queries up to {day}: nothing to measure students by")
        ask = registry.job("teacher_answers")
        assert isinstance(ask, Ask)
        for data in sets:
            refuse_own_labels(data.measured, revision_of(ask, teacher.content_hash, None))
        counts = _counts(table)
        reached, rest = curves.reached(multiples, counts["human"], counts["teacher"])
        points = [Point(HUMAN, counts["human"], 0.0), *(Point.of(m, counts["human"]) for m in reached)]
        asked = {p.name: _student(table, p, params, encoder, work, models, job) for p in points}
        teaching = models.alone(teachers.loader, models.stored(teacher), teachers.precisions)
        for data in sets:
            systems = {p.name: _system(asked[p.name], data) for p in reversed(points)}
            systems[evaluation.TEACHER] = evaluation.system(evaluation.told(teaching, data.measured, progress), data)
            found[data.name] = _evaluated(data, systems, points[-1].name)
            beyond = {f"student {m:g}x": Point.of(m, counts["human"]).pairs for m in rest}
            curve[data.name] = curves.curve(points, found[data.name]["systems"], evaluation.TEACHER, beyond)
        if store.commits(sample.TRUTH) and counts["teacher"]:
            found[sample.TRUTH.name] = _planted(lake, ledger.version, day, asked, points)
    file = place(lake, picture, f"distillation-{day}.png")
    shown = sets[0].name
    teaching_summary = curves.summary(found[shown]["systems"][evaluation.TEACHER])
    curves.draw(curve[shown], teaching_summary, f"{shown}: {found[shown]['pairs']} pairs of unseen queries", file)
    revisions = {"teacher": teacher.content_hash[:16], "encoder": encoder.content_hash[:16]}
    measures = evaluation.metrics(found, revisions, {training.STUDENT_EXAMPLES.name: ledger.version})
    lake.runner.account([metrics.write(store, lake.runner.run_id, "distillation", day, measures)])
    result = {"day": day, "labelled": counts, "curve": curve, "data_sets": evaluation.as_json(found), "picture": str(file)}
    tables = [aligned(curves.lines(curve[one.name], curves.summary(found[one.name]["systems"][evaluation.TEACHER]))) for one in sets]
    return result, "\n\n".join([*tables, *(aligned(one) for one in evaluation.lines(found)), f"picture: {file}"])


@contextlib.contextmanager
def _kept(folder: Path, job: Train) -> Iterator[Path]:
    """Within, a folder for the students of a curve, which is there again after a kill."""
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, job):
        yield folder
        shutil.rmtree(folder)


def _counts(table: pa.Table) -> dict[str, int]:
    """Training pairs by who labelled them."""
    learnt = table.filter(pc.field("split") == "train")
    return {by: int(pc.sum(pc.equal(learnt["labelled_by"], by)).as_py() or 0) for by in ("human", "teacher")}


def _student(table: pa.Table, point: Point, params: Any, encoder: Stored, work: Path, models: Models, job: Train) -> Asking:
    """How a student is asked that is trained for the curve: of people's labels alone, or of a multiple of the teacher's beside them."""
    from models.student_training import train

    progress(f"{point.name}: {point.pairs} labelled pairs")
    people = replace(params, human_weight=params.human_weight or 1.0)
    if point.multiple:
        learnt, looked_at = train_student.parts(table, replace(params, multiple=point.multiple))
    else:
        learnt, looked_at = train_student.parts(table.filter(pc.field("labelled_by") == "human"), people)
    folder = work / f"{point.pairs} {point.name}".replace(" ", "-")
    done = folder / "told.json"
    if not done.is_file():
        recipe, shown = params.recipe(), len(TEXT_NUMBERS)
        shutil.rmtree(folder / "out", ignore_errors=True)
        told = train(learnt, looked_at, encoder.folder, NUMBERS, shown, recipe, folder / "work", folder / "out", progress)
        done.write_text(json.dumps(told, default=list), encoding="utf-8")
        shutil.rmtree(folder / "work")
    return models.alone(job.loader, Stored(f"path:{folder / 'out'}", f"curve {point.name}", folder / "out"), ("fp32",))


def _system(asking: Asking, data: evaluation.DataSet) -> System:
    return evaluation.system(evaluation.told(asking, data.measured, progress, ASKS), data)


def _evaluated(data: evaluation.DataSet, systems: dict[str, System], best: str) -> dict[str, Any]:
    """As `evaluation.evaluated`, of the largest student, which stands first: slices are its own, differences are it minus each other."""
    people = data.graded()
    found: dict[str, Any] = {
        "lead": best,
        "pairs": len(people),
        "queries": len(set(people.query.tolist())),
        "systems": {name: measured(people, one) for name, one in systems.items()},
        "differences": {name: differences(people, systems[best], one) for name, one in systems.items() if name != best},
        "slices": {},
    }
    for name, places in evaluation.slices(data.measured):
        part = data.graded(data.measured.filter(pa.array(places)))
        found["slices"][name] = measured(part, planted_grades.some(systems[best], places), resampled=200)
    return found


def _planted(lake: Lake, version: int, day: str, asked: dict[str, Asking], points: Sequence[Point]) -> dict[str, Any]:
    """Students and their teacher against the planted truth of a sample lake, on what the teacher labelled of queries that no student saw,
    or of all where there is no such query."""
    stored = lake.store.frame(training.STUDENT_EXAMPLES, version).where((F.col("ds") <= day) & (F.col("labelled_by") == "teacher"))
    unseen = stored.where(F.col("split") == "test")
    rows = planted_grades.planted(
        stored if unseen.isEmpty() else unseen,
        lake.store.frame(sample.TRUTH),
        ("example_id",),
        ("text", "numbers", "graph_vector", "target"),
    )
    systems = {p.name: planted_grades.said(evaluation.told(asked[p.name], rows, progress, ASKS)) for p in reversed(points)}
    return planted_grades.evaluated(rows, {**systems, evaluation.TEACHER: planted_grades.told(rows["target"])}, points[-1].name)
