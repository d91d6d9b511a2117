"""What a task does with a command: its lines, its exit code, its words, and its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_dags import operators
from airflow_dags.operators import PinlakeOperator, factory
from tests.airflow_dags.conftest import ROOT

TABLE = Asset(name="texts.pins", uri="pinlake://texts/pins")


class Events(dict):
    """Of each asset, the partitions that a task added, and what it said of them."""

    def __missing__(self, asset):
        self[asset] = SimpleNamespace(partitions=[], extra=None)
        self[asset].add_partitions = self[asset].partitions.append
        return self[asset]


def task(code: str, *arguments: str, day: str = "2026-01-30") -> PinlakeOperator:
    return PinlakeOperator(task_id="one", program=[sys.executable, "-c", code], arguments=arguments, day=day, outlets=[TABLE])


def executed(one: PinlakeOperator) -> Events:
    events = Events()
    one.execute({"outlet_events": events})
    return events


def test_a_command_that_ends_well_makes_its_day_a_partition_of_its_table():
    events = executed(task("print('on the way'); print('{\"run_id\": \"r1\"}'); print('a warning at the end')"))
    assert events[TABLE].partitions == ["2026-01-30"]
    assert events[TABLE].extra == {"day": "2026-01-30", "run_id": "r1"}


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [(1, AirflowException, "exit code 1"), (2, AirflowFailException, "cannot be run"), (3, AirflowFailException, "refused by a check")],
)
def test_only_what_may_pass_by_itself_is_tried_again(code, error, words):
    with pytest.raises(AirflowException, match=words) as raised:
        executed(task(f"raise SystemExit({code})", "run", "pins"))
    assert type(raised.value) is error
    assert "pinlake run pins" in str(raised.value)


def test_a_killed_command_is_tried_again():
    with pytest.raises(AirflowException, match="exit code -9") as raised:
        executed(task("import os; os.kill(os.getpid(), 9)"))
    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize("word", ["2026-01-30; touch /tmp/x", "$(id)", "`id`", "a\nb", "' OR 1", "--help"])
def test_whatever_is_given_stays_one_word(word, tmp_path):
    seen = tmp_path / "seen.json"
    executed(task(f"import json, sys; json.dump(sys.argv[1:], open({str(seen)!r}, 'w'))", "run", "pins", "--day", word))
    assert json.loads(seen.read_text()) == ["run", "pins", "--day", word]


def test_a_task_that_is_ended_ends_the_command_and_what_it_started():
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    one = task(code)
    ended: list[BaseException] = []

    def run():
        try:
            executed(one)
        except AirflowException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while one._running is None:
        time.sleep(0.05)
    time.sleep(0.5)
    group = one._running.pid
    one.on_kill()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert ended
    time.sleep(0.2)
    assert not _living(group)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends a child with its parent")
def test_a_killed_worker_leaves_no_command_behind(tmp_path):
    """The process above the task is killed, as a worker is: the task and its command end too."""
    pid = tmp_path / "pid"
    command = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    below = f"from tests.airflow_dags.test_operators import executed, task; executed(task({command!r}))"
    above = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {below!r}])"
    worker = subprocess.Popen([sys.executable, "-c", above], cwd=ROOT)
    while not pid.exists() or not pid.read_text():
        assert worker.poll() is None
        time.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    for _ in range(50):
        if not _living(int(pid.read_text())):  # a command leads a group of its own
            return
        time.sleep(0.1)
    pytest.fail("the command lives on")


def _living(group: int) -> list[int]:
    """The processes of a group that run; those that ended and that nobody has asked after are left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except FileNotFoundError:
            continue
        if int(of) == group and state != "Z":
            found.append(int(folder.name))
    return found


def test_the_environment_says_how_pinlake_is_started(monkeypatch):
    made = {}
    for name in ("local", "spark-submit", "tests.airflow_dags.test_operators:elsewhere"):
        monkeypatch.setenv("PINLAKE_OPERATOR", name)
        monkeypatch.setenv("PINLAKE_PROGRAM", "/opt/pinlake")
        monkeypatch.setenv("PINLAKE_SPARK_SUBMIT", "/opt/spark-submit --master 'local[2]'")
        made[name] = factory()("one", ["run", "pins"], "2026-01-30")
    assert made["local"].program == ["/opt/pinlake"]
    assert made["spark-submit"].program[:3] == ["/opt/spark-submit", "--master", "local[2]"]
    assert (ROOT / "jobs" / "spark_submit" / "pinlake.py").samefile(made["spark-submit"].program[3])
    assert made["tests.airflow_dags.test_operators:elsewhere"] == ("one", ["run", "pins"])
    monkeypatch.setenv("PINLAKE_OPERATOR", "elsewhere")
    with pytest.raises(ValueError, match="module:function"):
        factory()


def elsewhere(task_id, arguments, day):
    return task_id, arguments


def test_pinlake_of_the_jobs_environment_is_the_default(monkeypatch):
    monkeypatch.delenv("PINLAKE_PROGRAM", raising=False)
    assert operators._program() == str(ROOT / ".venv" / "bin" / "pinlake")
