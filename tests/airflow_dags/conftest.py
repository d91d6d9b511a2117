"""A home of Airflow and small lakes. What needs Airflow is run in Airflow's environment (make test-airflow), where there is no Spark."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JOBS = ROOT / ".venv" / "bin"
"""The jobs' environment."""
if importlib.util.find_spec("airflow") is None:
    collect_ignore = ["test_operators.py", "test_building.py", "test_days.py", "test_scheduler.py"]
else:
    # Airflow reads these when it is imported, which test modules do before any fixture is there.
    os.environ |= {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="pinlake-airflow-"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow_dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "PINLAKE_PROGRAM": str(JOBS / "pinlake"),
    }


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """AIRFLOW_HOME with a migrated database and the pools; this process and all that it starts use it."""
    folder = Path(os.environ["AIRFLOW_HOME"])
    airflow("db", "migrate")
    pools = folder / "pools.json"
    pools.write_text(subprocess.run([python(), "-m", "airflow_dags.pools"], capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    airflow("pools", "import", str(pools))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sample lake of a few days of which all but the last are made, with a small encoder and short trainings."""
    yield from _lake(tmp_path_factory.mktemp("lake"), "whole")


@pytest.fixture(scope="session")
def begun_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sample lake of nine days of which some jobs are made of the first three."""
    yield from _lake(tmp_path_factory.mktemp("begun"), "begun")


def _lake(folder: Path, which: str) -> Iterator[Path]:
    written(folder, which)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PINLAKE_CONFIG", str(folder / "pinlake.toml"))
        yield folder


def written(folder: Path, which: str) -> None:
    """Runs tests/airflow_dags/lake.py in the jobs' environment."""
    done = subprocess.run(
        [JOBS / "python", "-m", "tests.airflow_dags.lake", folder, which], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4_000:]


def python() -> str:
    """Python of Airflow's environment."""
    return str(ROOT / ".venv-airflow" / "bin" / "python")


def airflow(*words: str) -> str:
    """What `airflow WORDS` prints; fails with its last lines where it fails."""
    done = subprocess.run([ROOT / ".ci" / "airflow", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"airflow {' '.join(words)}: {done.stdout[-2_000:]}{done.stderr[-4_000:]}"
    return done.stdout


def pinlake(*words: str) -> dict[str, object]:
    """The JSON object that `pinlake WORDS --json` prints."""
    done = subprocess.run([JOBS / "pinlake", *words, "--json"], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-4_000:]
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
