"""The evaluation of the teacher that counts."""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F

from jobs.building import resolved
from jobs.commands import Lake, Result
from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import NotConnected
from jobs.evaluation import metrics, planted_grades
from jobs.evaluation import teacher as evaluation
from jobs.model_plan import Models
from jobs.registry import train
from jobs.telling import progress
from schemas import labels, sample, signals, training


def teacher(lake: Lake, days: Days) -> Result:
    """The teacher that counts on the day beside its baselines, on graded test queries up to it; in a sample lake also against its truth."""
    day, store, planner = days.last, lake.store, lake.runner.planner()
    ledger = planner.ledger(training.TEACHER_EXAMPLES)
    if not any(known <= day for known in ledger.days):
        raise NotConnected(f"training.teacher_examples has no {day}; run first: pinlake run teacher --day {day}")
    job = train("train_teacher")
    models = Models(store, lake.settings)
    model, encoder = models.counting(job.model, day), models.start(job.beside, day)
    if model is None:
        raise NotConnected(f"no teacher counts on {day}; run first: pinlake run teacher --day {day}")
    asking = models.alone(job.loader, models.stored(model), job.precisions)
    prior = evaluation.prior_of(asking)
    versions = {training.TEACHER_EXAMPLES.name: ledger.version}
    rows = resolved(job)(store.frame(training.TEACHER_EXAMPLES, ledger.version).where(F.col("ds") <= day))
    totals = lake.live(planner, signals.ENGAGEMENT_TOTALS, day)
    if totals is not None:
        rows = evaluation.with_popularity(rows, totals)
        versions[signals.ENGAGEMENT_TOTALS.name] = planner.ledger(signals.ENGAGEMENT_TOTALS).version
    found: dict[str, Any] = {}
    with store.held(training.TEACHER_EXAMPLES, lake.runner.run_id, rows) as local:
        for data in evaluation.data_sets(local):
            said = evaluation.told(asking, data.measured, progress)
            systems = {evaluation.TEACHER: evaluation.system(said, data)}
            if prior is not None:
                systems[evaluation.PRIOR] = evaluation.system(evaluation.told(prior, data.measured, progress), data)
            systems |= evaluation.baselines(data, encoder.folder)
            progress(f"{data.name}: resampling queries")
            found[data.name] = evaluation.evaluated(data, systems)
    if not found:
        raise NotConnected(f"no graded pairs of test queries up to {day}: nothing to measure a teacher by")
    labelled = planner.ledger(labels.TEACHER_SCORES)
    if store.commits(sample.TRUTH) and day in labelled.days:
        scores = store.frame(labels.TEACHER_SCORES, labelled.version).where(F.col("ds") == day)
        rows = planted_grades.planted(scores, store.frame(sample.TRUTH), ("request_key",), ("probabilities",))
        found[sample.TRUTH.name] = planted_grades.evaluated(
            rows, {evaluation.TEACHER: planted_grades.told(rows["probabilities"])}, evaluation.TEACHER
        )
        versions[labels.TEACHER_SCORES.name] = labelled.version
    revisions = {"teacher": model.content_hash[:16], "encoder": encoder.content_hash[:16]}
    measured = evaluation.metrics(found, revisions, versions)
    lake.runner.account([metrics.write(store, lake.runner.run_id, "teacher", day, measured)])
    result = {"day": day, "model": model.spec, "content_hash": model.content_hash, "data_sets": evaluation.as_json(found)}
    return result, "\n\n".join(aligned(table) for table in evaluation.lines(found))
