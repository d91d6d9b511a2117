"""A real scheduler: five days by `airflow backfill create` with a worker killed in the middle, a run without a day, a corrupted day."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.airflow_dags.conftest import ROOT, airflow, pinlake, written

DAYS = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"]
CORRUPT = "2026-02-04"
ENDED = ("success", "failed")
DAG_FILE = '''
"""Some jobs of the nightly DAG, built as all are: airflow."""
from dataclasses import replace
from datetime import UTC, datetime

from airflow_dags.building import built
from airflow_dags.pipelines import pipeline

PAGE = pipeline("nightly")
SOME = ("pins", "query_users", "engagement_daily", "engagement_totals")
steps = tuple(replace(s, after=tuple(a for a in s.after if a in SOME)) for s in PAGE.steps if s.name in SOME)
dag = built(replace(PAGE, name="some", steps=steps))
dag.end_date = datetime(2026, 3, 1, tzinfo=UTC)  # no run of tonight beside those of the test
'''


@pytest.fixture(scope="module")
def scheduler(home: Path, begun_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`airflow standalone` on a port of its own, with a DAG of a few jobs; ended with all its children."""
    folder = tmp_path_factory.mktemp("dags")
    (folder / "some.py").write_text(DAG_FILE)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        airflow("dags", "reserialize")
        airflow("dags", "unpause", "some")
        with (folder / "standalone.log").open("wb") as log:
            started = subprocess.Popen([ROOT / ".ci" / "airflow", "standalone"], stdout=log, stderr=log, start_new_session=True)
            try:
                yield folder
            finally:
                os.killpg(started.pid, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    started.wait(timeout=30)
                _end_session(started.pid)


@pytest.fixture(scope="module")
def untouched(begun_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lake as it was."""
    return Path(shutil.copytree(begun_lake / "ware house", tmp_path_factory.mktemp("copy") / "lake"))


def test_five_days_by_backfill_with_a_worker_killed_on_the_second(untouched, scheduler, home):
    span = ("--from-date", DAYS[0], "--to-date", DAYS[-1])
    airflow("backfill", "create", "--dag-id", "some", *span, "--max-active-runs", "1")
    killed = _kill_a_worker(DAYS[1], within=300)
    _until(
        lambda: [state for _, state in _runs(home) if state in ENDED] == ["success"] * 5, within=900, told=lambda: _told(home, scheduler)
    )
    assert sorted(key for key, _ in _runs(home)) == DAYS
    again = {task: tries for day, task, _, tries in _tasks(home) if day == DAYS[1] and tries > 1}
    assert killed in again, f"the worker of {killed} was killed, and it was not tried again: {again}"
    days = ("--first", DAYS[0], "--last", DAYS[-1])
    by_hand = pinlake("backfill", "engagement_totals", *days, "--upstream", "--warehouse", str(untouched))["jobs"]["engagement_totals"]
    told = pinlake("run", "engagement_totals", *days)["jobs"]["engagement_totals"]
    assert told["changed"] == 0
    assert told["digests"] == by_hand["digests"], "as without Airflow, and without the kill"


def test_whoever_waits_for_a_table_is_told_its_day(home, scheduler):
    found = _rows(
        home, "select e.partition_key from asset_event e join asset a on a.id = e.asset_id where a.name = 'signals.engagement_totals'"
    )
    assert sorted(key for (key,) in found) == DAYS


def test_a_run_by_hand_without_a_day_is_refused_and_one_with_a_day_is_run(home, scheduler):
    airflow("dags", "trigger", "some", "--run-id", "without")
    _until(lambda: dict(_by_id(home)).get("without") in ENDED, within=120, told=lambda: _told(home, scheduler))
    assert dict(_by_id(home))["without"] == "failed"
    states = dict(_rows(home, "select task_id, state from task_instance where run_id = 'without'"))
    assert states.pop("start") == "failed"
    assert set(states.values()) == {"upstream_failed"}


def test_a_corrupted_day_is_refused_and_what_readers_had_they_have(home, scheduler, begun_lake):
    """Nearly all events of a day are lost: exit code 3, one try, nothing downstream runs, and yesterday's tables are still served."""
    written(begun_lake, "corrupt")
    before = pinlake("describe", "signals.engagement_totals")["published"]
    airflow("dags", "trigger", "some", "--run-id", "corrupt", "--conf", json.dumps({"day": CORRUPT}))
    _until(lambda: dict(_by_id(home)).get("corrupt") in ENDED, within=300, told=lambda: _told(home, scheduler))
    assert dict(_by_id(home))["corrupt"] == "failed"
    found = {
        task: (state, tries)
        for task, state, tries in _rows(home, "select task_id, state, try_number from task_instance where run_id = 'corrupt'")
    }
    assert found["engagement_daily"] == ("failed", 1)
    assert found["engagement_totals"][0] == "upstream_failed"
    assert found["pins"][0] == "success"
    assert pinlake("describe", "signals.engagement_totals")["published"] == before
    refused = [run["refused"] for run in pinlake("runs")["runs"] if run["refused"] and run["job"] == "engagement_daily"]
    assert "pairs of a query and an entity" in refused[0]
    assert "--accept-unusual" in refused[0]


def _rows(home: Path, query: str) -> list[tuple]:
    """What Airflow's database says; commands that ask it take seconds each."""
    with closing(sqlite3.connect(f"file:{home / 'airflow.db'}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def _runs(home: Path) -> list[tuple[str, str]]:
    return [(day, state) for day, state in _rows(home, "select partition_key, state from dag_run where dag_id = 'some'") if day in DAYS]


def _by_id(home: Path) -> list[tuple[str, str]]:
    return _rows(home, "select run_id, state from dag_run where dag_id = 'some'")


def _tasks(home: Path) -> list[tuple[str, str, str, int]]:
    return _rows(
        home,
        "select r.partition_key, t.task_id, t.state, t.try_number from task_instance t join dag_run r on r.run_id = t.run_id "
        "and r.dag_id = t.dag_id where r.dag_id = 'some'",
    )


def _told(home: Path, folder: Path) -> str:
    return f"{_tasks(home)}\n{(folder / 'standalone.log').read_text(errors='replace')[-6_000:]}"


def _until(holds: Callable[[], bool], within: float, told: Callable[[], str]) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(1)


def _kill_a_worker(day: str, within: float) -> str:
    """Kills, as soon as a job of the day runs, the process that watches its task; the job's name."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        for pid, words in _commands():
            if "run" in words and day in words and "pinlake" in " ".join(words[:2]):
                task = _parent(pid)
                os.kill(_parent(task), signal.SIGKILL)
                return words[words.index("run") + 1]
        time.sleep(0.2)
    raise AssertionError(f"no job of {day} began within {within} s")


def _commands() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except FileNotFoundError:
            continue


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _end_session(leader: int) -> None:
    """Kills what is left of a session."""
    for pid, _ in _commands():
        try:
            of = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3])
        except FileNotFoundError:
            continue
        if of == leader:
            os.kill(pid, signal.SIGKILL)
