"""The evaluation of text sources: small models are trained for it, and nothing that counts is changed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features import logs
from features.assembly import Assembly, PinAssembly, ProductAssembly, assembled
from features.matching import numbers, text_numbers
from features.past_texts import sources_then
from jobs.commands import Lake, Result
from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import PinlakeError
from jobs.evaluating.pictures import place
from jobs.evaluation import ablation as variants
from jobs.evaluation import metrics
from jobs.evaluation import teacher as evaluation
from jobs.evaluation.ablation import GROWING, LEFT_OUT, Variant
from jobs.evaluation.distillation import summary
from jobs.evaluation.metrics import Metric
from jobs.evaluation.relevance import measured
from jobs.model_plan import Models
from jobs.registry import job as job_named
from jobs.registry import train
from jobs.students import train_student
from jobs.telling import progress
from models.recipe import Recipe, StudentRecipe
from models.store import Stored
from schemas import training
from schemas.features import NUMBERS, TEXT_NUMBERS
from udfs.student import ASKS

MOST = 10_000
"""Graded pairs that small models are trained on and measured on, at most."""
READS = 6.0
"""How often a training pair is read while the small models of a variant are trained, about: what its share of the minutes is cut to."""
PAIRS = 128
ASSEMBLIES: dict[str, Assembly] = {"pin": PinAssembly(), "product": ProductAssembly()}
COLUMNS = ("query", "target", "split", "level", "level_low", "level_high", "grade", "language", "sources")


def ablation(lake: Lake, days: Days, minutes: float, picture: Path | None) -> Result:
    """A table of small teachers and students by text sources, over the same graded pairs; what was not run is told with the reason."""
    day, store = days.last, lake.store
    models = Models(store, lake.settings)
    encoder = models.start(train("train_teacher").beside, day)
    started = time.monotonic()
    tables = _tables(lake, day)
    names, skipped = variants.differing({name: rows["text"].to_pylist() for name, rows in tables.items()})
    found: list[dict[str, Any]] = []
    measures: dict[str, Any] = {}
    size = _size(encoder, tables[variants.ALL], (minutes * 60 - (time.monotonic() - started)) / max(len(names), 1))
    progress(f"{len(names)} variants of at most {size} training pairs each")
    with tempfile.TemporaryDirectory(prefix="pinlake-") as work:
        for name, rows in tables.items():
            if name in skipped:
                found.append({"sources": name, "not_run": skipped[name]})
                continue
            if time.monotonic() - started > minutes * 60:
                found.append({"sources": name, "not_run": f"no time was left of {minutes:g} minutes"})
                continue
            progress(f"{name}: training a small teacher and its student")
            measures[name] = _variant(models, encoder, rows, size, Path(work) / str(len(found)))
            found.append({"sources": name, "with_text": _with_text(rows), **_row(measures[name])})
    file = place(lake, picture, f"ablation-{day}.png")
    some = len(next(iter(tables.values())))
    variants.draw(found, f"text sources as of {day}, {some} graded pairs", file)
    version = {training.TEACHER_EXAMPLES.name: store.ledger(training.TEACHER_EXAMPLES).version}
    kept = [
        Metric(f"text sources of {some} graded pairs", name, f"{who} {m}", one.value, one.count, one.lower, one.upper, None, version)
        for name, by in measures.items()
        for who, told in by.items()
        for m, one in told.items()
    ]
    if kept:
        lake.runner.account([metrics.write(store, lake.runner.run_id, "ablation", day, kept)])
    seconds = round(time.monotonic() - started)
    result = {"day": day, "training_pairs": size, "pairs": some, "variants": found, "seconds": seconds, "picture": str(file)}
    return result, f"{aligned(variants.lines(found))}\n{seconds} s; picture: {file}"


def _tables(lake: Lake, day: str) -> dict[str, pa.Table]:
    """The same graded pairs by variant: query, text (empty where the variant leaves none), target, split, level, numbers."""
    planner, store = lake.runner.planner(), lake.store
    job, examples = job_named("teacher_examples"), planner.ledger(training.TEACHER_EXAMPLES)
    first = planner.first_day(training.TEACHER_EXAMPLES)
    if first is None or not any(known <= day for known in examples.days):
        raise PinlakeError(f"training.teacher_examples has no {day}; run first: pinlake run teacher --day {day}")
    frames = lake.runner.inputs(job, Days(first, day), planner)
    rows = _few(store.frame(training.TEACHER_EXAMPLES, examples.version).where(F.col("ds") <= day))
    found: dict[str, pa.Table] = {}
    with store.keeping(lake.runner.run_id):
        pairs = logs.kept(rows.select("ds", "example_id", "entity_type", "entity_id", *COLUMNS))
        kinds = {kind: _sources(pairs, kind, frames, assembly) for kind, assembly in ASSEMBLIES.items()}
        for one in (*GROWING, *LEFT_OUT):
            progress(f"{one.name}: texts")
            found[one.name] = _texts(pairs, kinds, one)
    return found


def _few(rows: DataFrame) -> DataFrame:
    """MOST pairs of each split at most, by hash."""
    place = F.row_number().over(Window.partitionBy("split").orderBy("example_id", "ds"))
    return rows.withColumn("_n", place).where(F.col("_n") <= MOST).drop("_n")


def _sources(pairs: DataFrame, kind: str, frames: dict[str, DataFrame], assembly: Assembly) -> DataFrame:
    """(ds, KIND_id, every source) of the graded entities of one kind as of their days, found once for all variants."""
    wanted = pairs.where(F.col("entity_type") == kind).select("ds", F.col("entity_id").alias(f"{kind}_id")).distinct()
    return logs.kept(sources_then(wanted, kind, frames[f"{kind}s"], frames[f"{kind}s_before"], assembly))


def _texts(pairs: DataFrame, kinds: dict[str, DataFrame], variant: Variant) -> pa.Table:
    """The pairs with the variant's texts."""
    texts: DataFrame | None = None
    for kind, sources in kinds.items():
        own = assembled(sources, ASSEMBLIES[kind], variant.pin if kind == "pin" else variant.product)
        one = own.select("ds", F.lit(kind).alias("entity_type"), F.col(f"{kind}_id").alias("entity_id"), "text")
        texts = one if texts is None else texts.unionByName(one)
    assert texts is not None
    rows = pairs.join(texts, ["ds", "entity_type", "entity_id"], "left").withColumn("text", F.coalesce("text", F.lit("")))
    told = dict(zip(TEXT_NUMBERS, text_numbers(F.col("query"), F.col("text")), strict=True))
    more = {
        "numbers": numbers(told, NUMBERS),
        "graph_vector": F.lit(None).cast("array<float>"),
        "labelled_by": F.lit("human"),
        "weight": F.lit(1.0),
    }
    return rows.withColumns(more).orderBy("example_id", "ds").toArrow()  # at most MOST a split


def _with_text(rows: pa.Table) -> float:
    return float(pc.mean(pc.not_equal(rows["text"], "").cast(pa.int8())).as_py())


def _size(encoder: Stored, rows: pa.Table, seconds: float) -> int:
    """How many training pairs fit the seconds of a variant, by the pace at which an encoder reads texts here."""
    from models.encoder import Encoder

    model = Encoder.loaded(encoder.folder, max_tokens=64)
    texts = [one for one in rows["text"].to_pylist() if one][:PAIRS]
    started = time.monotonic()
    model.all_vectors(texts, "document")
    pace = (time.monotonic() - started) / max(len(texts), 1)
    fits = int(seconds / (pace * READS * 2))  # as much again for what is measured, and for starting
    return int(np.clip(fits, 64, MOST))


def _variant(models: Models, encoder: Stored, rows: pa.Table, size: int, work: Path) -> dict[str, Any]:
    """Measures of a small teacher and of a student that learns its labels, on test pairs; a pair without a text has the mean label."""
    from models.student_training import train as train_head
    from models.training import Examples
    from models.training import train as train_teacher

    read_of = {name: rows.filter((pc.field("split") == name) & (pc.field("text") != "")) for name in ("train", "validation")}
    learnt, looked_at = read_of["train"].slice(0, size), read_of["validation"].slice(0, max(size // 4, 32))
    sides = []
    for own in (learnt, looked_at):
        target = np.asarray(own["target"].combine_chunks().flatten(), np.float64).reshape(-1, 5)
        sides.append(Examples(own["query"].to_pylist(), own["text"].to_pylist(), target))
    recipe = Recipe(warm_pairs=0, epochs=1.0, patience=2, seed=5)
    train_teacher(sides[0], sides[1], encoder.folder, [encoder.folder], recipe, work / "teacher", _new(work / "taught"), lambda line: None)
    teaching = models.alone("udfs.teacher:load", Stored(f"path:{work}", f"ablation {work}", work / "taught"), ("fp32",))
    said = evaluation.told(teaching, learnt, lambda line: None)
    labelled = learnt.set_column(learnt.column_names.index("target"), "target", pa.array(said.tolist(), pa.list_(pa.float64())))
    small = StudentRecipe(encoder_minutes=0)
    taught, seen = (train_student.examples(one, np.ones(len(one))) for one in (labelled, looked_at))
    train_head(taught, seen, encoder.folder, NUMBERS, len(TEXT_NUMBERS), small, work / "student", work / "learnt", lambda line: None)
    learning = models.alone("udfs.student:load", Stored(f"path:{work}", f"ablation student {work}", work / "learnt"), ("fp32",))
    data = next(iter(evaluation.data_sets(rows)), None)
    if data is None:
        raise PinlakeError("no graded pairs of test queries: nothing to measure text sources by")
    data = replace(data, measured=data.measured.slice(0, size))
    found = {}
    for name, asking, asks in (("teacher", teaching, evaluation.ASKS), ("student", learning, ASKS)):
        told = evaluation.told(asking, data.measured, lambda line: None, asks)
        told[np.array([not text for text in data.measured["text"].to_pylist()])] = sides[0].target.mean(axis=0)
        found[name] = measured(data.graded(), evaluation.system(told, data), resampled=200)
    return found


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _row(found: dict[str, Any]) -> dict[str, Any]:
    told = {who: summary(measures) for who, measures in found.items()}
    return {f"{who} {name}": one[name] for who, one in told.items() for name in ("auroc", "accuracy")}
