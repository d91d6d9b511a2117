"""A model is asked once for every distinct input, whatever happens on the way, and its words are read as of the day."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.logs import until
from jobs import given
from jobs.asking import FIRST_ROWS, GROWTH, SLOTS, chunks
from jobs.days import Days
from jobs.lineage import Lineage
from jobs.planner import Wanted
from jobs.runner import Runner
from jobs.spec import Ask, Input, Job, answered, log
from jobs.store import Store
from schemas import raw
from schemas.contract import ANSWER_KEY, ANSWERS, CHANGES, Column, Table
from tests.jobs import toys
from udfs.engine.task import Asking
from udfs.engine.threads import ThreadPlan

WORDS = Table("answers.words", ANSWERS, "Upper case.", ANSWER_KEY, (Column("word", "string", "upper case"),))
LOUD = Table(
    "toys.loud",
    CHANGES,
    "Titles in upper case.",
    ("pin_id",),
    (Column("pin_id", "string", "pin", required=True), Column("word", "string", "upper case")),
)


@dataclasses.dataclass(frozen=True)
class UpperParams:
    """A suffix of every answer."""

    suffix: str = ""


def questions(pins: DataFrame) -> DataFrame:
    """The distinct titles of live pins."""
    return pins.where(~F.col("deleted")).select("ds", F.sha2("title", 256).alias("input_hash"), "title")


def loud(pins: DataFrame, words: DataFrame, days: Days) -> DataFrame:
    """States of toys.loud: as jobs/images/image_captions.py, in short."""
    known = words.select(F.col("input_hash").alias("_hash"), "word", F.col("refused"), "since")
    rows = pins.withColumn("_until", until(("pin_id",))).join(known, F.sha2("title", 256) == F.col("_hash"), "left")
    # What another row replaces on the first day of the model is not said again: a pin has one state a day.
    moved = F.when((F.col("ds") < F.col("since")) & (F.col("since") < F.col("_until")), F.col("since"))
    rows = rows.withColumn("ds", F.explode(F.array_compact(F.array("ds", moved)))).where(F.col("ds") >= days.first)
    return rows.select("ds", "pin_id", "word", "deleted", "refused")


ASK = Ask(
    "toy_words",
    build="tests.jobs.test_asking:questions",
    output=WORDS,
    inputs={"pins": Input(toys.PINS, log())},
    tags=("toys",),
    params="UpperParams",
    model="upper",
    loader="tests.udfs.engine.toys:load",
    asks=("title",),
    precisions=("fp32",),
)
READ = Job(
    "toy_loud",
    build="tests.jobs.test_asking:loud",
    output=LOUD,
    inputs={"pins": Input(toys.PINS, log()), "words": Input(WORDS, answered())},
    tags=("toys",),
)
JOBS = (toys.JOBS[0], ASK, READ)


@dataclasses.dataclass(frozen=True)
class Promoted:
    since: str
    content_hash: str
    spec: str = "path:/toy"


class ToyModels:
    """Stands for promotions that the test chooses."""

    chunk_seconds = 60.0

    def __init__(self, *promoted: Promoted, folder: str = "") -> None:
        self.promoted = promoted
        self.folder = folder

    def promotions(self, name: str) -> Sequence[Promoted]:
        assert name == "upper"
        return self.promoted

    def asking(self, job: Ask, model: Promoted, params: Any) -> Asking:
        return Asking(job.loader, self.folder, model.content_hash, dataclasses.asdict(params), "fp32", plan=ThreadPlan(2, 1))


def runner(spark: SparkSession, warehouse: Any, models: ToyModels, **more: Any) -> Runner:
    return Runner(Store(spark, str(warehouse)), Lineage(JOBS), say=lambda line: None, models=models, **more)


def write(runner: Runner, spark: SparkSession, day: str, pins: dict[str, str | None]) -> None:
    rows = toys.updates(spark, [(day, pin, title) for pin, title in pins.items()])
    given.write(runner.store, "run_raw", "test", raw.PIN_UPDATES, rows, Days(day, day))


def run(runner: Runner, first: str, last: str, *jobs: Job) -> dict[str, Any]:
    done = runner.run(Wanted(jobs or JOBS, Days(first, last), upstream=True, force=False))
    return {name: [one for one in done if one.job == name] for name in (job.name for job in JOBS)}


def words(runner: Runner) -> list[tuple[Any, ...]]:
    rows = runner.store.frame(WORDS).collect()
    return sorted((r.model_revision, r.word or "", r.refused or "", r.precision or "") for r in rows)


A, B = Promoted("", "a" * 64), Promoted("2026-01-03", "b" * 64)


def test_an_input_is_asked_once_over_days_and_runs_and_a_refusal_is_an_answer(spark, warehouse, tmp_path):
    lake = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
    write(lake, spark, "2026-01-01", {"p1": "red", "p2": "red", "p3": "blue"})
    write(lake, spark, "2026-01-02", {"p1": "blue", "p4": "vile", "p5": "red", "p3": None})
    first = run(lake, "2026-01-01", "2026-01-01")
    assert [(one.asked, one.kept) for one in first["toy_words"]] == [(2, 0)]
    second = run(lake, "2026-01-02", "2026-01-02")
    # Only what is new on the day is looked at: blue, vile and red, of which two are known.
    assert [(one.asked, one.kept, one.quarantined) for one in second["toy_words"]] == [(1, 2, 1)]
    assert [word for _, word, *_ in words(lake)] == ["", "BLUE", "RED"]
    version = lake.store.ledger(WORDS).version
    again = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
    assert run(again, "2026-01-01", "2026-01-02") == {job.name: [] for job in JOBS}
    asked = again.run(Wanted((ASK,), Days("2026-01-02", "2026-01-02"), upstream=False, force=True))
    assert [(one.asked, one.kept, one.version) for one in asked] == [(0, 3, None)]
    assert again.store.ledger(WORDS).version == version, "nothing to ask, nothing to commit"


def test_words_of_the_model_that_counts_are_read_and_another_model_is_asked_from_its_day_on(spark, warehouse):
    before = runner(spark, warehouse, ToyModels(A), params={"toy_words": {"suffix": "!"}})
    write(before, spark, "2026-01-01", {"p1": "red", "p2": "blue"})
    for day in ("2026-01-02", "2026-01-03", "2026-01-04"):
        write(before, spark, day, {"p3": f"green {day[-1]}"})
    run(before, "2026-01-01", "2026-01-04")
    after = runner(spark, warehouse, ToyModels(A, B), params={"toy_words": {"suffix": "!"}})
    done = run(after, "2026-01-01", "2026-01-04")
    assert [(str(one.days), one.asked) for one in done["toy_words"]] == [("2026-01-03..2026-01-04", 5)], "what stood, and what is new"
    rows = {(r.ds, r.pin_id): r.word for r in after.store.frame(LOUD).collect()}
    assert rows[("2026-01-01", "p1")] == "RED!"
    assert ("2026-01-03", "p1") not in rows, "the words are the same, so nothing changed"
    revisions = {r.model_revision for r in after.store.frame(WORDS).collect()}
    assert len(revisions) == 2


def test_a_run_that_dies_asks_at_most_its_open_chunk_again_and_never_writes_a_key_twice(spark, warehouse, tmp_path, monkeypatch):
    lake = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
    write(lake, spark, "2026-01-01", {f"p{n}": f"title {n}" for n in range(400)})
    monkeypatch.setattr("jobs.asking.FIRST_ROWS", 100)
    monkeypatch.setattr("jobs.asking.GROWTH", 1)
    inserted = Store.insert
    commits = []

    def dies(self, *args):
        if len(commits) == 2:
            raise KeyboardInterrupt
        commits.append(inserted(self, *args))
        return commits[-1]

    monkeypatch.setattr(Store, "insert", dies)
    cached = spark.sparkContext._jsc.getPersistentRDDs().size
    before = cached()
    with pytest.raises(KeyboardInterrupt):
        run(lake, "2026-01-01", "2026-01-01")
    assert cached() == before, "the questions are not kept in memory"
    monkeypatch.setattr(Store, "insert", inserted)
    kept = runner(spark, warehouse, ToyModels(A)).store.frame(WORDS).count()
    assert 100 < kept < 300
    assert not lake.store.ledger(WORDS).days, "the day was not asked to its end"
    resumed = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
    (one,) = run(resumed, "2026-01-01", "2026-01-01")["toy_words"]
    assert (one.asked, one.kept) == (400 - kept, kept)
    rows = resumed.store.frame(WORDS)
    assert rows.count() == rows.select(*ANSWER_KEY).distinct().count() == 400


def test_two_runs_that_ask_the_same_write_every_key_once(spark, warehouse):
    lake = runner(spark, warehouse, ToyModels(A))
    write(lake, spark, "2026-01-01", {"p1": "red", "p2": "blue"})
    run(lake, "2026-01-01", "2026-01-01")
    rows = lake.store.frame(WORDS).localCheckpoint()
    lake.store.insert(WORDS, rows, rows.first().model_revision, list("0123456789abcdef"), {"run": "late", "job": "toy_words", "days": {}})
    assert lake.store.frame(WORDS).count() == 2


def test_without_a_model_the_job_and_those_below_are_skipped_with_the_reason(spark, warehouse):
    told: list[str] = []
    lake = runner(spark, warehouse, ToyModels())
    lake.say = told.append
    write(lake, spark, "2026-01-01", {"p1": "red"})
    done = run(lake, "2026-01-01", "2026-01-01")
    assert [job for job, one in done.items() if one] == ["toy_pins"]
    assert "toy_words: skipped, no model is connected as upper (pinlake models promote upper SPEC --day D)" in told
    assert any(line.startswith("toy_loud: skipped, answers.words: no model is connected") for line in told)


@pytest.mark.parametrize("total", [1, 511, 5_000, 400_000, 10**9])
def test_chunks_cover_every_hash_once_and_grow_no_faster_than_they_may(total):
    found = list(chunks(total, 1e-9))
    assert found[0][0] == 0
    assert found[-1][1] == SLOTS
    assert all(a[1] == b[0] for a, b in zip(found, found[1:], strict=False))
    widest = max(1, round(SLOTS * FIRST_ROWS / total))
    assert all(high - low <= widest for low, high in found)
    quick = [high - low for low, high in chunks(total, 1e9)]
    assert all(b <= (a + 1) * GROWTH for a, b in zip(quick, quick[1:], strict=False))
