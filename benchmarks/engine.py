"""The inference engine against its limits, with the default encoder: ratios 3-6 and 14 of what is promised about speed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType

from benchmarks.texts import pin_texts
from benchmarks.timing import SCALE, Ratio, exact, keep, ratio, seconds
from jobs.session import session
from jobs.settings import load as settings
from models.specs import DEFAULTS
from models.store import ModelStore
from udfs.embeddings import EmbeddingTask
from udfs.embeddings import load as load_encoder
from udfs.engine import threads
from udfs.engine.faces import asked_udf
from udfs.engine.operator import Tally, answered
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan

SECONDS = 60 * SCALE
"""How long the longer run of a pair lasts."""
PAIRS = 5
REPEATS = 8
START = 16
"""Texts of a job that is about starting."""
FULL = 512
"""Texts that fill some batches."""
SLOTS = 2
VECTOR = ArrayType(FloatType())


class Clocked(EmbeddingTask):
    """An encoder that leaves the seconds that its model worked in a file a process."""

    folder = ""

    def run(self, batch: Any) -> pa.Array:
        """The vectors."""
        started = time.perf_counter()
        found = super().run(batch)
        with (Path(self.folder) / f"{os.getpid()}").open("a") as file:
            file.write(f"{time.perf_counter() - started}\n")
        return found


def clocked(folder: str, options: Mapping[str, Any], device: str, precision: str) -> EmbeddingTask:
    """The encoder, which writes down when it is loaded and how long it works into the folder of the options."""
    task = load_encoder(folder, options, device, precision)
    task.__class__ = Clocked
    task.folder = options["clock"]  # type: ignore[attr-defined]
    with (Path(options["clock"]) / "loads").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return task


def measure() -> list[Ratio]:
    """The ratios, on this machine's cores."""
    chosen = settings({})
    model = ModelStore(chosen.models_cache).resolved(DEFAULTS["encoder"])
    asking = Asking("udfs.embeddings:load", str(model.folder), model.content_hash, {"role": "document"}, "fp32", plan=ThreadPlan(SLOTS, 1))
    pace = _pace(asking)
    rows = max(512, int(pace * SECONDS))
    found = [_useful_tokens(asking, 20_000), _repeats(asking, rows)]
    with tempfile.TemporaryDirectory() as folder:
        spark = session(settings({"master": f"local[{SLOTS}]", "warehouse": folder}))
        found += _spark(spark, asking, int(pace * SLOTS * SECONDS), Path(folder))
        spark.stop()
    about = {"texts_a_second_and_thread": pace, "slots": SLOTS, "precision": asking.precision, "seconds": SECONDS}
    keep("engine", found, {"model": DEFAULTS["encoder"], **about})
    return found


def _asked(asking: Asking, texts: list[str], tally: Tally | None = None, task: Any = None) -> int:
    """Runs the operator over texts in this process; returns the rows."""
    source = ([pa.array(texts[start : start + 10_000])] for start in range(0, len(texts), 10_000))
    task = task or asking.load("cpu", "fp32")
    return sum(len(answers) for answers, _ in answered(source, lambda inputs: task, asking.budget, tally))


def _pace(asking: Asking) -> float:
    """Texts a second on one thread."""
    threads.apply(ThreadPlan(1, 1))
    task = asking.load("cpu", "fp32")
    texts = pin_texts(384)
    _asked(asking, texts[:64], task=task)
    started = time.perf_counter()
    _asked(asking, texts[64:], task=task)
    return (len(texts) - 64) / (time.perf_counter() - started)


class _Silent(EmbeddingTask):
    """Tokenises as the encoder does and computes nothing."""

    def run(self, batch: Any) -> pa.Array:
        """As many nulls."""
        return pa.nulls(len(batch[0]), self.kind)


def _useful_tokens(asking: Asking, rows: int) -> Ratio:
    """3: tokens of texts to tokens that are computed, padding included; counted, not timed."""
    task = asking.load("cpu", "fp32")
    task.__class__ = _Silent
    tally = Tally()
    _asked(asking, pin_texts(rows), tally, task)
    return exact("3_useful/computed_tokens", tally.tokens / tally.computed, "1; pass .93, aim .98")


def _repeats(asking: Asking, rows: int) -> Ratio:
    """4: the time of the distinct texts to that of the same texts each given eight times, mixed."""
    task = asking.load("cpu", "fp32")
    distinct = pin_texts(rows)
    window = asking.budget.window_rows // REPEATS
    repeated = [text for start in range(0, rows, window) for _ in range(REPEATS) for text in distinct[start : start + window]]
    return ratio(
        "4_distinct/repeated_8x",
        lambda n: _asked(asking, distinct, task=task),
        lambda n: _asked(asking, repeated, task=task),
        "1; pass .90, aim .97",
        pairs=PAIRS,
        warm=0,
    )


def _spark(spark: SparkSession, asking: Asking, rows: int, folder: Path) -> Iterator[Ratio]:
    """5, 6 and 14: loads, start-up, memory and the share of the cores' time that is spent in the model."""
    clock = folder / "clock"
    clock.mkdir()
    timed = replace(asking, loader="benchmarks.engine:clocked", options={**asking.options, "clock": str(clock)})
    # Few texts, so that the model's own time is none of a start-up.
    few, many = _frame(spark, folder / "few", pin_texts(START)), _frame(spark, folder / "many", pin_texts(rows))
    first = seconds(lambda: _answer(few, timed))
    second = min(seconds(lambda: _answer(few, timed)) for _ in range(3))
    loads = (clock / "loads").read_text().split()
    yield exact("5a_model_loads/slots", len(loads) / SLOTS, "1; pass 1")
    yield exact("5b_first_job/bare_process", first / _bare_process(asking), "1; pass 1.5, aim 1.2")
    yield exact("5c_second_job/first_job", second / first, "0; pass .2, aim .05")
    shares = []
    for _ in range(PAIRS):
        before = _worked(clock)
        wall = seconds(lambda: _answer(many, timed))
        shares.append((_worked(clock) - before) / (wall * SLOTS))
    # The processes that answered last, and the one that they were forked from.
    running = {int(pid) for pid in loads} | {int(file.name) for file in clock.iterdir() if file.name.isdigit()}
    held = sum(_proportional(pid) for pid in running if Path(f"/proc/{pid}").exists())
    yield exact("6_memory_of_two_slots/one_process", held / int(_run_bare(asking, FULL)), "1; pass 1.5, aim 1.15")
    yield Ratio.of("14b_time_in_model/time_of_cores", shares, "1; pass .90, aim .96")
    silent = replace(timed, loader="benchmarks.engine:silent")
    _answer(few, silent)  # its workers start, with a model of their own
    crossing = [seconds(lambda: _answer(many, silent)) * SLOTS / rows for _ in range(PAIRS)]
    model = _worked(clock) / (rows * PAIRS)
    yield Ratio.of("14a_crossing/model_time_a_row", [one / model for one in crossing], "0; pass .02, aim .005")


def silent(folder: str, options: Mapping[str, Any], device: str, precision: str) -> EmbeddingTask:
    """The encoder without its model."""
    task = load_encoder(folder, options, device, precision)
    task.__class__ = _Silent
    return task


def _frame(spark: SparkSession, path: Path, texts: list[str]) -> DataFrame:
    """The texts as a Parquet table in as many files as there are slots."""
    spark.createDataFrame([(text,) for text in texts], "text string").repartition(SLOTS, F.xxhash64("text")).write.parquet(str(path))
    return spark.read.parquet(str(path)).repartition(SLOTS, F.xxhash64("text"))


def _answer(rows: DataFrame, asking: Asking) -> None:
    """Asks about all rows and throws the answers away."""
    rows.select(asked_udf(asking, "vector", VECTOR)("text").alias("answer")).write.format("noop").mode("overwrite").save()


def _worked(clock: Path) -> float:
    """Seconds that all models worked so far."""
    return sum(float(line) for file in clock.iterdir() if file.name != "loads" for line in file.read_text().split())


_BARE = """
import sys
from benchmarks.engine import bare
bare(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def bare(folder: str, content_hash: str, texts: int) -> None:
    """What a process without Spark does: loads the model, answers some texts, and says how much memory it has of its own."""
    threads.apply(ThreadPlan(1, 1))
    asking = Asking("udfs.embeddings:load", folder, content_hash, {"role": "document"}, "fp32", budget=Budget())
    _asked(asking, pin_texts(texts))
    print(_proportional(os.getpid()))


def _run_bare(asking: Asking, texts: int) -> str:
    """The last line that the bare process prints: kilobytes."""
    command = [sys.executable, "-c", _BARE, asking.folder, asking.content_hash, str(texts)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]


def _bare_process(asking: Asking) -> float:
    """Seconds of a process without Spark, from its start to its end."""
    return min(seconds(lambda: _run_bare(asking, START)) for _ in range(2))


def _proportional(pid: int) -> int:
    """Kilobytes of memory of a process, shared pages by their share (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
