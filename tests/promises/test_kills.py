"""What is lost when a driver or an executor is killed: nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.commands import Lake
from jobs.days import Days, shifted
from jobs.demo import SPARK
from jobs.quality import day_digest, facts
from jobs.registry import JOBS
from jobs.settings import load
from jobs.store import Store
from schemas import raw
from tests.models.folders import encoder
from tests.promises.counted import Promise
from tests.promises.programs.publishing import START

ROOT = Path(__file__).parents[2]
PROGRAMS = "tests.promises.programs"
DAYS = Days("2026-01-31", "2026-02-02")
SPAN = ("--first", DAYS.first, "--last", DAYS.last)
KINDS = {
    "Job": ("backfill", "engaged_queries", "--upstream", *SPAN),
    "Ask": ("backfill", "image_captions", "--upstream", *SPAN),
    "Train": ("run", "train_teacher", "--upstream", "--day", DAYS.last),
    "raw tables": ("sample", "--pins", "300", "--days", "3", "--last", DAYS.last),
}
TOML = """[spark]
"spark.driver.extraJavaOptions" = "{options}"
[models]
encoder = "path:{encoder}"
[params.teacher_examples]
validation = 0.2
test = 0.3
[params.train_teacher]
minutes = 0.3
warm_pairs = 64
epochs = 1
"""


def begun(words: list[str], folder: Path) -> subprocess.Popen[str]:
    """A process in a session of its own, so that all that it starts can be killed with it."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        words, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def killed(process: subprocess.Popen[str]) -> None:
    """As if its machine was gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def digests(store: Store) -> dict[str, dict[str, str]]:
    """The digest of every day of every table that jobs write."""
    tables = {job.output for job in JOBS if not job.output.name.startswith("training.teachers")} | set(raw.TABLES)
    return {table.name: {day: one.digest for day, one in store.ledger(table).days.items()} for table in tables}


def doubled(store: Store) -> list[str]:
    """Tables in which a key stands twice on a day."""
    found = []
    for table in {job.output for job in JOBS}:
        if store.ledger(table).days:
            key = (["ds"] if "ds" in [c.name for c in table.fields] else []) + list(table.key)
            if not store.frame(table).groupBy(*key).count().where("count > 1").isEmpty():
                found.append(table.name)
    return found


@pytest.mark.timeout(5400)
def test_01_a_driver_killed_at_any_time_loses_and_doubles_nothing(spark, tmp_path, promise: Promise) -> None:
    """Each kind of job undisturbed first; then killed at a random part of that time, and begun again."""
    times = promise.of(0, 12)
    settings = {"master": "local[2]"}
    whole = Lake(load({"warehouse": str(tmp_path / "whole"), **settings}))
    whole.sample(300, DAYS, 7)
    options = SPARK["spark.driver.extraJavaOptions"]
    (tmp_path / "pinlake.toml").write_text(TOML.format(options=options, encoder=encoder(tmp_path / "encoder")), encoding="utf-8")
    pinlake = str(Path(sys.executable).with_name("pinlake"))
    luck, wanted, seconds = random.Random(promise.seed), {}, {}

    def command(kind: str, name: str) -> list[str]:
        return [pinlake, *KINDS[kind], "--warehouse", str(tmp_path / name), "--master", "local[2]"]

    def copy(kind: str, name: str) -> None:
        if kind != "raw tables":
            shutil.copytree(tmp_path / "whole" / "raw", tmp_path / name / "raw")

    for kind in KINDS:
        copy(kind, kind)
        started = time.monotonic()
        subprocess.run(command(kind, kind), cwd=tmp_path, check=True, capture_output=True)
        seconds[kind] = time.monotonic() - started
        wanted[kind] = digests(Store(spark, str(tmp_path / kind)))
    for n in range(times):
        kind, name = list(KINDS)[n % len(KINDS)], f"killed {n}"
        copy(kind, name)
        process = begun(command(kind, name), tmp_path)
        time.sleep(luck.uniform(0.2, 0.98) * seconds[kind])
        killed(process)
        again = subprocess.run(command(kind, name), cwd=tmp_path, check=False, capture_output=True, text=True)
        store = Store(spark, str(tmp_path / name))
        good = again.returncode == 0 and digests(store) == wanted[kind] and not doubled(store)
        promise.held(good, f"{kind}, kill {n}: exit {again.returncode} {again.stderr[-300:]}")
        shutil.rmtree(tmp_path / name)
    assert promise.kept(), promise.failures[:3]


@pytest.mark.timeout(3600)
def test_02_a_kill_around_a_commit_shows_no_reader_what_was_not_checked(spark, tmp_path, promise: Promise) -> None:
    """States are published one a second; each process is killed at some instant of one of them, and the next goes on."""
    luck, warehouse, states = random.Random(promise.seed), tmp_path / "ware house", 0
    for n in range(promise.of(2, 40)):
        process = begun([sys.executable, "-m", f"{PROGRAMS}.publishing", str(warehouse), "writer", str(states), str(states + 400)], ROOT)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        for _ in range(luck.randrange(1, 3)):
            assert process.stdout.readline()
        time.sleep(luck.uniform(0.0, 1.5))
        killed(process)
        store = Store(spark, str(warehouse))
        days = store.ledger(raw.PIN_UPDATES).days
        wrong = [day for day, one in days.items() if one.rows != _number(day) % 7 + 1]
        table = raw.PIN_UPDATES
        rows = store.frame(table).selectExpr("*", "string(null) refused", "string(null) refused_key")
        found = facts(rows, table, Days(START, max(days)))
        wrong += [day for day, counts in found.items() if day_digest(counts) != days[day].digest]
        wrong += [day for day in (shifted(START, k) for k in range(len(days))) if day not in days]
        promise.held(not wrong, f"kill {n}: {wrong[:3]} are not what was checked")
        states = len(days)
    assert states > 1
    assert promise.kept(), promise.failures[:3]


def _number(day: str) -> int:
    return len(list(Days(START, day))) - 1


@pytest.mark.timeout(3600)
def test_03_an_executor_lost_in_a_shuffle_changes_no_row(tmp_path, promise: Promise) -> None:
    rounds = promise.of(0, 20)
    told = {}
    for kind, times in (("honest", rounds), ("attempt", 5)):
        process = begun([sys.executable, "-m", f"{PROGRAMS}.shuffling", str(times), kind], ROOT)
        out, _ = process.communicate(timeout=2400)
        told[kind] = json.loads(out.strip().splitlines()[-1])
    expected = told["honest"]["digests"][0]
    for digest in told["honest"]["digests"][1:]:
        promise.held(digest == expected, f"{digest} for {expected}")
    assert told["honest"]["killed"] == rounds
    assert len(set(told["attempt"]["digests"])) > 1, "the control: rows that hold their attempt come out otherwise, so this test can fail"
    assert promise.kept(), promise.failures[:3]
