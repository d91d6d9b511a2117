"""Students are judged by people, and no model by its own labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import PinlakeError, Refused
from jobs.evaluation.student import graded, judged, measures, refuse_own_labels
from jobs.students.train_student import GRAPH
from models.student import Head, Shape, save
from schemas.features import NUMBERS
from tests.jobs.evaluation.test_teacher import rows as graded_rows
from tests.models.folders import encoder
from udfs.engine.task import Asking


def rows(n: int = 300) -> pa.Table:
    """Graded pairs, half of which a teacher labelled too, the other way round."""
    people = graded_rows(n)
    more = {
        "labelled_by": pa.array(["human"] * n),
        "model_revision": pa.nulls(n, pa.string()),
        "numbers": pa.array([[0.5] * len(NUMBERS)] * n, pa.list_(pa.float32())),
        "graph_vector": pa.nulls(n, pa.list_(pa.float32())),
    }
    for name, column in more.items():
        people = people.append_column(name, column)
    teacher = people.slice(0, n // 2)
    wrong = pa.array([6.0 - level for level in teacher["level"].to_pylist()])
    for name, column in (("labelled_by", ["teacher"] * (n // 2)), ("model_revision", ["r" * 16] * (n // 2))):
        teacher = teacher.set_column(teacher.column_names.index(name), name, pa.array(column))
    teacher = teacher.set_column(teacher.column_names.index("level"), "level", wrong)
    return pa.concat_tables([people, teacher])


def student(folder: Path, seed: int) -> Asking:
    """How a random student is asked."""
    import torch

    torch.manual_seed(seed)
    save(folder, encoder(folder.with_name(f"{folder.name}.encoder")), Head(Shape(16, GRAPH, NUMBERS)), 16)
    return Asking("udfs.student:load", str(folder), folder.name, precision="fp32")


def test_a_student_is_measured_by_people_alone(tmp_path: Path) -> None:
    table, asking = rows(), student(tmp_path / "s", 1)
    found = measures(table, asking, lambda line: None)
    people = graded(table)
    assert set(people["labelled_by"].to_pylist()) == {"human"}
    assert found["pairs"] == sum(part == "test" for part in people["split"].to_pylist())
    assert found == measures(people, asking, lambda line: None)
    assert np.isfinite(found["mean_auroc"])
    with pytest.raises(PinlakeError, match="nothing to judge a model by"):
        measures(table.filter(pa.compute.field("labelled_by") == "teacher"), asking, lambda line: None)


def test_a_student_counts_where_it_is_no_worse_than_the_one_before(tmp_path: Path) -> None:
    pq.write_table(rows(), tmp_path / "rows.parquet")
    old = student(tmp_path / "s", 1)
    own = measures(tmp_path / "rows.parquet", old, lambda line: None)
    same = judged(tmp_path / "rows.parquet", own, old, tmp_path, lambda line: None)
    assert same.promote
    assert "the student that counts" in same.why
    worse = judged(tmp_path / "rows.parquet", {**own, "mean_auroc": own["mean_auroc"] - 0.1}, old, tmp_path, lambda line: None)
    assert not worse.promote
    assert worse.why.startswith("worse: ")
    first = judged(tmp_path / "rows.parquet", {**own, "mean_auroc": 1.0}, None, encoder(tmp_path / "e"), lambda line: None)
    assert "the untuned encoder's cosine" in first.why


def test_a_model_is_not_judged_by_labels_that_it_made() -> None:
    table = rows(20)
    with pytest.raises(Refused, match="10 of 30 labels were made by the model that they would judge"):
        refuse_own_labels(table, "r" * 16)
    refuse_own_labels(table, "other")
    refuse_own_labels(graded(table), "r" * 16)
    refuse_own_labels(table.drop_columns(["model_revision"]), "r" * 16)
