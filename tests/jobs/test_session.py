"""The session: what it fixes, that it is quiet, and that our code reaches executors wherever they run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import functions as F

import jobs
from jobs import jars
from jobs.demo import SPARK
from jobs.errors import UsageError
from jobs.session import FEW, FEW_ROWS, FIXED, METASPACE, SMALL, SMALL_ROWS, another, conf, cores, held, planned_for
from jobs.settings import load
from tests.replay import planned_for_many
from udfs.vectors import SQL

# Spark's script that finds its own folder cannot read a path with a space; given the folder, its other scripts can.
HOME = {"SPARK_HOME": str(Path(pyspark.__file__).parent)}
SHORT = ("--driver-java-options", SPARK["spark.driver.extraJavaOptions"])
PROGRAMS = Path(__file__).parent / "programs"
SITE = sysconfig.get_path("purelib")


def settings(**values):
    return load(values, {name: value for name, value in os.environ.items() if name in ("PINLAKE_JARS", "PINLAKE_JARS_CACHE")})


def run(command, folder, **environ):
    """A finished program, run in the folder without the settings of this suite's JVM."""
    left_out = ("SPARK_", "PYSPARK_", "PINLAKE_MASTER", "PINLAKE_WAREHOUSE", "PINLAKE_CONFIG")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=clean | environ, timeout=550, check=False)


def ran(command, folder, **environ):
    """What a program that must not fail printed on stdout as JSON, and its stderr."""
    done = run(command, folder, **environ)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    ("master", "found"),
    [("local", 1), ("local[3]", 3), ("local[*]", os.cpu_count()), ("local[2,4]", 2), ("local-cluster[2,3,1024]", 6), ("yarn", 1)],
)
def test_cores_are_read_from_the_master(master, found):
    assert cores(master) == found


def test_what_results_depend_on_cannot_be_set(tmp_path):
    for name in FIXED:
        with pytest.raises(UsageError, match=f"{name} is .* in every session"):
            conf(settings(spark={name: "other"}), tmp_path, under_submit=False)
    assert conf(settings(spark=FIXED), tmp_path, under_submit=False).items() >= FIXED.items()


def test_a_small_machine_gets_small_numbers_and_what_the_user_sets_wins(tmp_path):
    found = conf(settings(master="local[2]"), tmp_path, under_submit=False)
    assert (found["spark.sql.shuffle.partitions"], found["spark.databricks.delta.snapshotPartitions"]) == ("2", "1")
    assert (found["spark.ui.enabled"], found["spark.driver.memory"]) == ("false", "4g")
    chosen = {"spark.sql.shuffle.partitions": "7", "spark.driver.extraJavaOptions": "-Dx=1", "spark.driver.extraClassPath": "/mine"}
    found = conf(settings(master="local[2]", spark=chosen), tmp_path, under_submit=False)
    assert found["spark.sql.shuffle.partitions"] == "7"
    assert found["spark.driver.extraJavaOptions"].endswith(f"log4j2.properties {METASPACE} -Dx=1")
    assert found["spark.driver.extraClassPath"].endswith(f"delta-kernel-unitycatalog-4.4.0.jar{os.pathsep}/mine")


def test_an_input_of_few_rows_is_computed_once_and_one_of_many_or_of_bytes_is_left_as_it_is(spark, tmp_path):
    spark.range(3).withColumn("body", F.encode(F.lit("x"), "utf-8")).write.parquet(str(tmp_path / "rows"))
    rows = spark.read.parquet(str(tmp_path / "rows"))
    few = rows.select("id")
    assert held(few, FEW_ROWS + 1) is few
    assert held(few, None) is few
    assert held(rows, 3) is rows
    computed = held(few, 3)
    assert sorted(row.id for row in computed.collect()) == [0, 1, 2]
    shutil.rmtree(tmp_path / "rows")
    assert sorted(row.id for row in computed.collect()) == [0, 1, 2], "files are opened once"


@pytest.mark.parametrize(
    ("rows", "planned"), [(0, FEW), (FEW_ROWS, FEW), (FEW_ROWS + 1, SMALL), (SMALL_ROWS, SMALL), (SMALL_ROWS + 1, {}), (None, {})]
)
def test_a_step_is_planned_for_its_rows_and_the_session_is_as_before_afterwards(spark, rows, planned):
    def now():
        return {name: spark.conf.get(name) for name in FEW}

    seen = {}

    def step():
        with planned_for(spark, rows):
            seen.update(now())
            raise RuntimeError("broken")

    with planned_for_many(spark):
        before = now()
        with pytest.raises(RuntimeError, match="broken"):
            step()
        assert now() == before
    assert seen == before | planned
    assert not before.items() & FEW.items()


def test_another_session_has_the_same_settings_and_functions_and_is_changed_alone(spark):
    spark._jsparkSession.sessionState().conf().setConfString("spark.driver.extraJavaOptions", "-Dlater=1")  # as a later `session` does
    made = another(spark)
    told = {name: value for name, value in spark.conf.getAll.items() if name.startswith(("spark.sql", "spark.databricks"))}
    assert told.items() <= made.conf.getAll.items()
    assert FEW.items() <= told.items()
    made.conf.set("spark.sql.shuffle.partitions", "77")
    assert spark.conf.get("spark.sql.shuffle.partitions") != "77"
    names = {row.function for row in made.sql("show user functions").collect()}
    assert {name for name in SQL if not any(name in one for one in names)} == set()
    assert made.sparkContext is spark.sparkContext


def test_a_cluster_gets_the_jars_sent_and_keeps_its_own_numbers(tmp_path):
    found = conf(settings(master="spark://host:7077"), tmp_path, under_submit=False)
    assert [Path(jar).name for jar in found["spark.jars"].split(",")] == [jar.name for jar in jars.JARS]
    assert not {"spark.sql.shuffle.partitions", "spark.ui.enabled", "spark.driver.host"} & set(found)


def test_spark_submit_keeps_its_master_memory_jars_and_logs(tmp_path):
    found = conf(settings(master="local[2]", jars="/none.jar"), tmp_path, under_submit=True)
    assert not {"spark.master", "spark.driver.memory", "spark.jars", "spark.driver.extraJavaOptions"} & set(found)
    assert found.items() >= FIXED.items()


def test_the_session_is_in_utc_strict_and_has_delta(spark):
    assert {name: spark.conf.get(name) for name in FIXED} == FIXED
    row = spark.sql("select timestamp'2026-01-01 00:00:00' = timestamp'2026-01-01 00:00:00Z' as utc, current_timezone() as zone").first()
    assert (row.utc, row.zone) == (True, "UTC")
    with pytest.raises(pyspark.errors.PySparkException, match="CAST_INVALID_INPUT"):
        spark.sql("select cast('x' as int)").first()


def test_a_delta_table_in_a_folder_with_a_space_has_our_defaults(spark, warehouse):
    path = str(warehouse / "layer" / "a table")
    spark.range(3).write.format("delta").save(path)
    spark.range(0).write.format("delta").mode("append").save(path)
    assert spark.read.format("delta").load(path).count() == 3
    assert spark.sql(f"describe history delta.`{path}`").count() == 2, "a commit without rows is recorded"
    properties = spark.sql(f"describe detail delta.`{path}`").first().properties
    assert properties["delta.logRetentionDuration"] == "interval 3650 days"
    assert properties["delta.enableDeletionVectors"] == "false"


@pytest.mark.timeout(600)  # four JVMs: a quarter of a minute on two free cores, minutes on busy ones
def test_code_reaches_executors_that_have_no_other_way_to_find_it(tmp_path):
    """Executors of a local cluster are processes of their own; their Python reads site-packages, but not the links to this project."""
    python = tmp_path / "bare python"
    python.write_text(f'#!/bin/sh\nexport PYTHONPATH="$PYTHONPATH:{SITE}"\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    alone = subprocess.run(
        [str(python), "-c", "import pandas, pyarrow; import udfs"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "No module named 'udfs'" in alone.stderr, "else this test shows nothing"
    found, stderr = ran(
        [sys.executable, str(PROGRAMS / "cluster.py"), "local-cluster[2,1,1024]", str(python), str(tmp_path / "ware house")],
        tmp_path,
        **HOME,
    )
    assert found["answers"] == ["ein roter schuh", "red shoes"]
    assert len(found["executors"]) == 2, "two executors took part"
    for place in found["executors"].values():
        assert place.split("/udfs/")[0].endswith(".zip")
        assert Path(place.split("/udfs/")[0]).name.startswith("pinlake-")
    assert found["driver"].startswith(str(Path(__file__).parents[2])), "the driver reads its own files"
    assert found["zips_before_the_drivers_files"] == []
    assert found["rows"] == 20
    assert " WARN " not in stderr


@pytest.mark.timeout(600)
def test_a_program_runs_unchanged_under_spark_submit(tmp_path):
    given = ",".join(jars.paths(settings().jars, Path(settings().jars_cache)))
    submit = str(Path(sys.executable).with_name("spark-submit"))
    options = [
        "--master",
        "local[1]",
        "--driver-memory",
        "1g",
        *SHORT,
        "--conf",
        "spark.ui.enabled=false",
        "--conf",
        "spark.sql.session.timeZone=Asia/Tokyo",
    ]
    command = [submit, *options, "--name", "given", "--jars", given, str(PROGRAMS / "submitted.py"), str(tmp_path / "ware house")]
    found, _ = ran(command, tmp_path, PYSPARK_PYTHON=sys.executable, PINLAKE_MASTER="local[7]", **HOME)
    assert found == {"master": "local[1]", "zone": "UTC", "rows": 5, "memory": "1g"}


@pytest.mark.timeout(600)
def test_without_delta_spark_submit_is_told_which_option_is_missing(tmp_path):
    submit = str(Path(sys.executable).with_name("spark-submit"))
    command = [submit, "--master", "local[1]", *SHORT, "--conf", "spark.ui.enabled=false", str(PROGRAMS / "submitted.py"), str(tmp_path)]
    done = run(command, tmp_path, PYSPARK_PYTHON=sys.executable, **HOME)
    assert done.returncode != 0
    told = [line for line in done.stdout.split("\n") if line.startswith("jobs.errors.UsageError: ")]
    assert [line for line in told if "runs without Delta" in line and "spark-submit --jars" in line], done.stderr[-4000:]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("words", "code"), [(["list", "--json"], 0), (["run", "nothing", "--day", "yesterday"], 2)])
def test_spark_submit_takes_the_shipped_file_and_ends_with_its_exit_code(tmp_path, words, code):
    """Airflow tells a refusal from a failure by it."""
    submit, main = str(Path(sys.executable).with_name("spark-submit")), Path(jobs.__file__).parent / "spark_submit" / "pinlake.py"
    done = run([submit, "--master", "local[1]", *SHORT, str(main), *words], tmp_path, PYSPARK_PYTHON=sys.executable, **HOME)
    assert done.returncode == code, done.stderr[-4000:]
    assert ("pin_texts" in done.stdout) == (code == 0)


def test_a_session_of_a_program_is_quiet_and_leaves_nothing_where_it_was_started(tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    found, stderr = ran([sys.executable, str(PROGRAMS / "quiet.py"), str(tmp_path / "ware house")], here, TMPDIR=str(tmp_path))
    assert found == {"rows": 1, "tables": 0}
    lines = [line for line in stderr.split("\n") if line and "incubator modules" not in line]
    assert lines == []
    assert list(here.iterdir()) == []
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("pinlake-")] == []
