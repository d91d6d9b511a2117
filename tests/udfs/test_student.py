"""The student through the engine: each row its own five probabilities, from tables or from query and text alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType

from models.student import Head, Shape, Student, save
from tests.models.folders import encoder
from udfs.engine.faces import asked_udf
from udfs.engine.operator import answered
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan
from udfs.student import StudentTask, load

NUMBERS = ("a", "b", "c")
ROWS: list[tuple[Any, ...]] = [
    ("blue lamp", "a red table", [1.0, None, 3.0], [0.1, 0.2, 0.3, 0.4]),
    ("soup", "blue soup : a blue lamp", None, None),
    (None, "a red table", None, None),
    ("soup", None, [1.0, 2.0, 3.0], None),
    ("soup", " \n", None, None),
    ("blue lamp", "a red table", None, None),
    ("the", "red " * 40, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3, 0.4]),
]
REFUSED = [None, None, "no query", "no text", "no text", None, None]


def student(folder: Path) -> Path:
    """A random student."""
    import torch

    torch.manual_seed(4)
    save(folder, encoder(folder.with_name("e")), Head(Shape(16, 4, NUMBERS)), 20)
    return folder


def expected(ours: Student, row: tuple[Any, ...]) -> np.ndarray:
    """What a student says of one row by itself."""
    query, text, numbers, graph = row
    sides = [ours.encoder.vectors(ours.encoder.tokens([one], role)) for one, role in ((query, "query"), (text, "document"))]  # type: ignore[arg-type]
    known = [
        np.array([[np.nan if n is None else n for n in one or [None] * width]], np.float32) for one, width in ((graph, 4), (numbers, 3))
    ]
    return ours.probabilities(*sides, *known)[0]


def test_every_pair_has_its_own_probabilities_and_what_is_empty_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    folder = student(tmp_path / "s")
    asking = Asking("udfs.student:load", str(folder), "d" * 64, precision="fp32", plan=ThreadPlan(2, 1), budget=Budget(batch_rows=2))
    udf = asked_udf(asking, "p", ArrayType(FloatType()))
    ddl = "id int, query string, text string, numbers array<float>, graph array<float>"
    rows = spark.createDataFrame([(n, *row) for n, row in enumerate(ROWS)], ddl).repartition(2, "id")
    found = {r.id: r for r in rows.select("id", udf("query", "text", "numbers", "graph").alias("_")).select("id", "_.*").collect()}
    assert [found[n].refused for n in range(len(ROWS))] == REFUSED
    ours = Student.loaded(folder)
    for n, row in enumerate(ROWS):
        if REFUSED[n] is None:
            assert np.abs(np.array(found[n].p) - expected(ours, row)).max() < 1e-5
        else:
            assert found[n].p is None
    assert np.abs(np.array(found[0].p) - np.array(found[5].p)).max() > 1e-3, "what tables know counts"


def test_columns_without_any_value_are_read_as_not_known(tmp_path: Path) -> None:
    task = load(str(student(tmp_path / "s")), {}, "cpu", "fp32")
    assert isinstance(task, StudentTask)
    columns = [pa.array(["soup", "lamp"]), pa.array(["a soup", "a lamp"]), pa.nulls(2), pa.nulls(2)]
    ((answers, reasons),) = list(answered(iter([columns]), lambda inputs: task, Budget().on("cpu")))
    wanted = [expected(Student.loaded(tmp_path / "s"), (q, t, None, None)) for q, t in (("soup", "a soup"), ("lamp", "a lamp"))]
    assert np.array(answers.to_pylist()) == pytest.approx(np.array(wanted), abs=1e-5)
    assert reasons.null_count == 2
