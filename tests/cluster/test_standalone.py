"""A night on a standalone cluster, by spark-submit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jobs
from jobs import jars
from tests.cluster.conftest import ENV, NIGHTLY, SHORT, digests


@pytest.mark.timeout(2400)
def test_a_night_by_spark_submit_on_two_workers_gives_the_rows_of_one_machine(cluster, undisturbed, tmp_path):
    made, wanted = undisturbed
    shutil.copytree(made / "lake" / "raw", tmp_path / "lake" / "raw")
    given = ",".join(jars.paths((), Path(ENV["PINLAKE_JARS_CACHE"])))
    submit, main = str(Path(sys.executable).with_name("spark-submit")), Path(jobs.__file__).parent / "spark_submit" / "pinlake.py"
    options = ["--master", cluster, "--jars", given, "--driver-memory", "1g", "--executor-memory", "1g"]
    options += ["--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.sql.shuffle.partitions=4"]
    options += ["--driver-java-options", SHORT, "--conf", f"spark.executor.extraJavaOptions={SHORT}"]
    options += ["--conf", "spark.databricks.delta.snapshotPartitions=2"]
    env = {**ENV, "PYSPARK_PYTHON": sys.executable, "PINLAKE_WAREHOUSE": str(tmp_path / "lake"), "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(jobs.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([submit, *options, str(main), *NIGHTLY], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert digests(done.stdout) == wanted
    assert len(wanted) >= 15
