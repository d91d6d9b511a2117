"""A model is loaded by the process that workers are forked from, once for all of them."""

from __future__ import annotations

import dataclasses
import os

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from udfs.daemon import ASKING
from udfs.engine import cache
from udfs.engine.faces import asked_udf
from udfs.engine.sharing import load, shared
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan


def toy(folder, **more):
    return Asking("tests.udfs.engine.toys:load", str(folder), "c" * 64, **{"precision": "fp32", "plan": ThreadPlan(2, 1), **more})


def told(spark, asking):
    """What the environment of functions says within `shared`."""
    with shared(asking):
        return spark.sparkContext.environment.get(ASKING)


@pytest.fixture
def alone():
    """This process without models, before and after."""
    cache.forget()
    yield
    cache.forget()


def test_two_workers_and_functions_of_other_budgets_share_one_load(spark, tmp_path):
    rows = spark.range(40, numPartitions=4).select(F.concat(F.lit("a"), F.col("id").cast("string")).alias("text"))
    for budget in (Budget(), Budget(batch_rows=2)):
        udf = asked_udf(toy(tmp_path, budget=budget), "answer", StringType())
        found = rows.select(udf("text")["answer"].alias("answer")).collect()
        assert sorted(row.answer for row in found) == sorted(f"A{n}" for n in range(40))
    (line,) = (tmp_path / "loads").read_text().splitlines()
    assert int(line.split()[0]) != os.getpid()


def test_only_functions_made_within_name_the_model_and_none_does_with_an_accelerator(spark, tmp_path):
    assert told(spark, toy(tmp_path))
    assert ASKING not in spark.sparkContext.environment
    assert told(spark, toy(tmp_path, budget=Budget(ahead=1))) == told(spark, toy(tmp_path))
    assert told(spark, toy(tmp_path, plan=ThreadPlan(1, 1, gpu=True))) is None
    assert told(spark, toy(tmp_path, options={"suffix": "x" * 100_000})) is None, "longer than a variable may be"


def test_a_model_whose_precision_a_probe_must_choose_or_that_breaks_is_left_to_the_workers(spark, tmp_path, alone):
    load(told(spark, toy(tmp_path, precision="auto")))
    load(told(spark, dataclasses.replace(toy(tmp_path), loader="tests.udfs.engine.toys:no_such_loader")))
    load("no asking")
    assert not (tmp_path / "loads").exists()
    load(told(spark, toy(tmp_path)))
    assert len((tmp_path / "loads").read_text().splitlines()) == 1


def test_what_a_loader_prints_disturbs_no_daemon(spark, capfd, alone):
    before = cache.loads
    load(told(spark, Asking("tests.udfs.engine.toys:loud", "", "d" * 64, precision="fp32")))
    os.write(1, b"out")
    os.write(2, b"err")
    assert capfd.readouterr() == ("out", "err")
    assert cache.loads == before + 1
