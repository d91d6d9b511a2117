"""One Spark session for each process of the suite, a warehouse for each test, and how hypothesis searches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

# Processes of the suite share the cores: models in them run on one thread each, or they would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from jobs.demo import SPARK as SHORT
from jobs.session import FEW, session
from jobs.settings import Settings, load

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
# No deadline: the first example of a test may start Spark. In CI the same examples every time, and so the same verdict.
_QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, print_blob=True, **_QUIET)
settings.register_profile("dev", **_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> Iterator[None]:
    """No setting of the person who runs the tests reaches them, but for where jars and models are."""
    kept = ("PINLAKE_JARS", "PINLAKE_JARS_CACHE", "PINLAKE_MODELS_CACHE")
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("PINLAKE_") and n not in kept]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _own_threads() -> Iterator[None]:
    """A model that is asked in this process takes all cores; the next test has as many threads as the first one had."""
    before = {name: os.environ.get(name) for name in _THREADS}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ[_THREADS[0]]))


@pytest.fixture(scope="session")
def spark_settings() -> Settings:
    """Settings of a small local session with the JVM of a short run."""
    return load({"master": "local[2]", "driver_memory": "3g", "spark": {"spark.sql.shuffle.partitions": "2", **SHORT}})


@pytest.fixture(scope="session")
def spark(spark_settings: Settings) -> Iterator[SparkSession]:
    """The session that all tests share, built as commands build theirs and planning as they do for few rows."""
    started = session(spark_settings, "pinlake-tests")
    for name, value in FEW.items():
        started.conf.set(name, value)
    yield started
    started.stop()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A new folder for tables; its name holds a space, as a user's may."""
    folder = tmp_path / "ware house"
    folder.mkdir()
    return folder
