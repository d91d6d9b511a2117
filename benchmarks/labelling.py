"""A labelling job against its limits and its peers, with a teacher over the default encoder: ratios 1, 2 and 10 of what is promised."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType

from benchmarks.engine import SECONDS
from benchmarks.texts import pin_texts
from benchmarks.timing import Ratio, between, exact, keep, progress, ratio, rounds, seconds
from jobs import asking as asked_once
from jobs.days import Days
from jobs.ledger import Published
from jobs.registry import job
from jobs.sample.vocabulary import LANGUAGES
from jobs.session import session
from jobs.settings import load as settings
from jobs.spec import Ask
from jobs.store import Store
from models.ordinal import fitted
from models.prior import Prior
from models.specs import DEFAULTS
from models.store import ModelStore
from models.teacher import Blend, Network, Reading, Teacher, base
from udfs.engine import threads
from udfs.engine.batching import batches
from udfs.engine.faces import asked_udf
from udfs.engine.precision import chosen, known
from udfs.engine.task import CPU_TOKENS, Asking, Budget
from udfs.engine.threads import ThreadPlan
from udfs.teacher import TeacherTask

PAIRS = 5
SLOTS = 2
BATCH = 64
"""Rows of a batch of the peers."""
WHOLE, WHOLE_PAIRS = 5, 2
"""Times the rows of the others of the ratio that counts start and end too, which take 16 to 27 seconds whatever the rows; and how often."""
GROWTH = (1, 4, 16)
FIXED = 200
"""New pairs of a night."""
MAX_TOKENS = 64
DAY = "2026-01-05"


def measure() -> list[Ratio]:
    """The ratios, on this machine's cores."""
    encoder = ModelStore(settings({}).models_cache).resolved(DEFAULTS["encoder"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_teacher(encoder.folder, folder / "teacher")
        asking = Asking("udfs.teacher:load", str(folder / "teacher"), "benchmark", precision="fp32", plan=ThreadPlan(SLOTS, 1))
        loop = _Loop(folder / "teacher")
        loop(_pairs(512))
        pace = 512 / seconds(lambda: loop(_pairs(512)))
        spark = session(settings({"master": f"local[{SLOTS}]", "warehouse": str(folder / "lake")}))
        found = [*_peers(spark, asking, loop, max(512, int(pace * SECONDS)), folder), *_growth(spark, asking, pace, folder)]
        spark.stop()
    keep("labelling", found, {"model": DEFAULTS["encoder"], "pairs_a_second": pace, "slots": SLOTS, "seconds": SECONDS})
    return found


def _write_teacher(encoder: Path, folder: Path) -> None:
    """A teacher as the default recipe makes it, not trained: what it says is of no use, what it costs is the same."""
    tokenizer, body = base(encoder)
    torch.manual_seed(1)
    prior = Prior.loaded([encoder], MAX_TOKENS, "cpu", "fp32")
    luck = np.random.default_rng(1)
    prior.ordinal = fitted(luck.normal(size=(50, 5)), luck.dirichlet(np.ones(5), 50))
    Teacher(tokenizer, Network(body, "mean"), Reading("mean", MAX_TOKENS), prior, Blend(0.6, 0.6)).save(folder)


def _pairs(rows: int) -> tuple[list[str], list[str]]:
    """So many distinct pairs, mixed: a text stands in 1.5 of them and a query in some twelve. Those sampled on the lake of
    data/product_relevance have each text 1.6 times and each query 49 times, those of the sample lake 1.3 and 8."""
    asked = [f"{color} {thing}" for language in LANGUAGES for color in language.colors for thing in language.objects]
    asked = asked[:: max(1, len(asked) // max(1, rows // 12))]
    texts = pin_texts(-(-rows * 2 // 3))
    stride = next(n for n in range(7_919, 2 * 7_919) if math.gcd(n, rows) == 1)  # shares no factor with the rows: each place comes once
    places = [n * stride % rows for n in range(rows)]
    return [asked[place % len(asked)] for place in places], [texts[place * 2 // 3] for place in places]


class _Loop:
    """The best that one process does with the model: tokenised in one go, cut into batches as the engine cuts a window, all cores."""

    def __init__(self, folder: Path) -> None:
        threads.apply(ThreadPlan(1, SLOTS))
        self.teacher = Teacher.loaded(folder)

    def __call__(self, pairs: tuple[list[str], list[str]]) -> np.ndarray:
        """Probabilities, (n, 5)."""
        torch.set_num_threads(SLOTS)
        task = TeacherTask(self.teacher, "fp32")
        read = task.prepare([pa.array(column) for column in pairs])
        found = np.zeros((len(read.lengths), 5))
        for some in batches(read.lengths, np.arange(len(found)), CPU_TOKENS, Budget().batch_rows, read.alike):
            found[some] = self.teacher.probabilities(task.batch(read.items, some))
        return found


def _plain(folder: str) -> Any:
    """`predict_batch_udf` as its documentation has it: batches of 64 rows in the order of the input, fp32."""

    def make() -> Callable[..., np.ndarray]:
        threads.apply(ThreadPlan(SLOTS, 1))
        teacher = Teacher.loaded(Path(folder))

        def predict(queries: np.ndarray, texts: np.ndarray) -> np.ndarray:
            return teacher.probabilities(teacher.padded(teacher.pairs([str(q) for q in queries], [str(t) for t in texts])))

        return predict

    return predict_batch_udf(make, return_type=ArrayType(FloatType()), batch_size=BATCH)


def _frame(spark: SparkSession, rows: int, path: Path) -> DataFrame:
    queries, texts = _pairs(rows)
    frame = spark.createDataFrame(list(zip(range(rows), queries, texts, strict=True)), "n bigint, query string, text string")
    frame.repartition(SLOTS, F.xxhash64("n")).write.parquet(str(path))
    return spark.read.parquet(str(path)).repartition(SLOTS, F.xxhash64("n"))


def _run(frame: DataFrame, said: Any) -> None:
    frame.select(said).write.format("noop").mode("overwrite").save()


def _peers(spark: SparkSession, asking: Asking, loop: _Loop, rows: int, folder: Path) -> Iterator[Ratio]:
    """1 and 2: the job beside one process's best loop, beside predict_batch_udf, and beside sentence-transformers' CrossEncoder."""
    pairs, frame = _pairs(rows), _frame(spark, rows, folder / "rows")
    ours = asked_udf(asking, "p", ArrayType(FloatType()))("query", "text")
    plain = _plain(asking.folder)("query", "text")
    few = frame.where("n < 256")
    exact_answers = loop(_pairs(rows))[:256]
    for said in (ours["p"], plain):
        told = np.array([row.p for row in few.select("n", said.alias("p")).orderBy("n").collect()])
        if np.abs(told - exact_answers).max() > 1e-3:
            raise AssertionError("the answers differ: there is nothing to compare")
    auto = replace(asking, precision="auto", probe_cache=str(folder / "probes"))
    threads.apply(asking.plan)
    chosen(auto, "cpu", [pa.array(column[: auto.probe_rows]) for column in pairs])  # once for a machine and a model
    fastest = asked_udf(auto, "p", ArrayType(FloatType()))("query", "text")
    runs: dict[str, Callable[[int], object]] = {
        "loop": lambda n: loop(pairs),
        "plain": lambda n: _run(frame, plain),
        "job": lambda n: _run(frame, ours),
        "fastest": lambda n: _run(frame, fastest),
    }
    taken = rounds(runs, PAIRS, warm=1)
    yield between("1a_loop/job", taken["loop"], taken["job"], "1; pass .95, aim .98")
    yield between("2b_plain/job_same_precision", taken["plain"], taken["job"], "-; pass 1.5, aim 2")
    yield between(f"2a_plain/job_in_{known(auto, 'cpu')}", taken["plain"], taken["fastest"], "-; pass 3, aim 8")
    cross = _cross_encoder(loop.teacher, folder / "cross")
    both = list(zip(*pairs, strict=True))
    alone = _Alone(loop)
    yield ratio(
        "2c_CrossEncoder.predict/loop_without_prior",
        lambda n: cross.predict(both, batch_size=BATCH, show_progress_bar=False),
        lambda n: alone(pairs),
        "-",
        pairs=PAIRS,
        warm=1,
    )
    yield from _whole_wall(spark, asking, WHOLE * rows, folder)


class _Alone:
    """The loop without the prior, which a CrossEncoder has not."""

    def __init__(self, loop: _Loop) -> None:
        self.loop = loop
        self.teacher = Teacher(loop.teacher.tokenizer, loop.teacher.network, loop.teacher.reading)

    def __call__(self, pairs: tuple[list[str], list[str]]) -> np.ndarray:
        """Probabilities, (n, 5)."""
        both, self.loop.teacher = self.loop.teacher, self.teacher
        try:
            return self.loop(pairs)
        finally:
            self.loop.teacher = both


def _cross_encoder(teacher: Teacher, folder: Path) -> Any:
    """sentence-transformers' CrossEncoder over the same body, with a classifier of its own to five labels."""
    from sentence_transformers import CrossEncoder
    from transformers import AutoModelForSequenceClassification

    teacher.network.body.save_pretrained(folder / "body")
    model = AutoModelForSequenceClassification.from_pretrained(folder / "body", num_labels=5)
    model.save_pretrained(folder)
    teacher.tokenizer.save_pretrained(folder)
    torch.set_num_threads(SLOTS)
    return CrossEncoder(str(folder), max_length=MAX_TOKENS, device="cpu")


def _whole_wall(spark: SparkSession, asking: Asking, rows: int, folder: Path) -> Iterator[Ratio]:
    """1b: all of a first labelling job, from questions to committed answers, beside the loop with its model's load."""
    store, pairs, frame = Store(spark, str(folder / "lake")), _pairs(rows), _frame(spark, rows, folder / "whole")
    shares = []
    for n in range(WHOLE_PAIRS):
        bare = seconds(lambda: _Loop(folder / "teacher")(pairs))
        told = replace(asking, content_hash=f"whole {n}")  # another model to the workers: it is loaded anew
        job_seconds = seconds(lambda n=n, told=told: _ask(store, told, frame, f"r{n}"))  # type: ignore[misc]
        progress(f"{rows} pairs, loop: {bare:.1f} s; job: {job_seconds:.1f} s")
        shares.append(bare / job_seconds)
    yield Ratio.of("1b_loop/job_whole_wall", shares, "1; pass .90, aim .95")


def _ask(store: Store, asking: Asking, frame: DataFrame, revision: str) -> int:
    """Asks about every row of the frame through the job's own room; how many were asked."""
    labelling = job("teacher_answers")
    assert isinstance(labelling, Ask)
    hashed = F.sha2(F.concat_ws("\x1f", "query", "text"), 256)
    candidates = frame.select(F.lit(DAY).alias("ds"), hashed.alias("input_hash"), "query", "text")
    examples = store.spark.createDataFrame([], "ds string, query string, text string, mean double, split string")
    step = asked_once.Questions(labelling, Days(DAY, DAY), revision, False, asking, settings({}).engine.chunk_seconds)

    def published(answers: int) -> dict[str, Published]:
        return {DAY: Published(revision, "", answers, 0, {"model": revision}, "bench", labelling.name, -1)}

    done = asked_once.ask(store, "bench", step, {"candidates": candidates, "examples": examples}, published, lambda line: None)
    return done.asked or 0


def _growth(spark: SparkSession, asking: Asking, pace: float, folder: Path) -> Iterator[Ratio]:
    """10: how time grows with rows for a full job, and for a night whose new pairs are always as many."""
    store = Store(spark, str(folder / "growing"))
    base_rows = max(256, int(pace * SECONDS / 16))
    full, nights = [], []
    for times in GROWTH:
        frame = _frame(spark, base_rows * times, folder / f"rows{times}")
        full.append(seconds(lambda times=times, frame=frame: _ask(store, asking, frame, f"g{times}")))  # type: ignore[misc]
        new = spark.createDataFrame([(n, "lamp", f"title: new {times} {n}") for n in range(FIXED)], frame.schema)
        started = time.perf_counter()
        if _ask(store, asking, frame.unionByName(new), f"g{times}") != FIXED:
            raise AssertionError("what was asked before is asked again")
        nights.append(time.perf_counter() - started)
        progress(f"{base_rows * times} pairs, job: {full[-1]:.1f} s; a night of {FIXED} new ones: {nights[-1]:.1f} s")
    for name, taken, limit in (("10a", full, "1; pass 1.05, aim 1.01"), ("10b", nights, "0; pass .25, aim .10")):
        yield exact(f"{name}_growth_exponent_of_labelling", math.log(taken[-1] / taken[0]) / math.log(GROWTH[-1]), limit)
