"""The teacher through the engine: each row its own five probabilities, and a reason where there is nothing to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType

from models.specs import ModelError
from models.teacher import Teacher
from tests.models.folders import teacher, with_prior
from udfs.engine.faces import asked_udf
from udfs.engine.operator import answered
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan
from udfs.teacher import load

ROWS = [
    ("blue lamp", "a red table"),
    ("soup", "blue soup : a blue lamp"),
    (None, "a red table"),
    ("soup", None),
    ("soup", " \n"),
    ("", ""),
    ("blue lamp", "a red table"),
    ("the", "red " * 40),
]
REFUSED = [None, None, "no query", "no text", "no text", "no query", None, None]


def test_every_pair_has_its_own_probabilities_and_what_is_empty_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    folder = teacher(tmp_path / "t")
    asking = Asking("udfs.teacher:load", str(folder), "c" * 64, precision="fp32", plan=ThreadPlan(2, 1), budget=Budget(batch_rows=2))
    udf = asked_udf(asking, "probabilities", ArrayType(FloatType()))
    rows = spark.createDataFrame([(n, *row) for n, row in enumerate(ROWS)], "id int, query string, text string").repartition(2, "id")
    found = {r.id: r for r in rows.select("id", udf("query", "text").alias("_")).select("id", "_.*").collect()}
    assert [found[n].refused for n in range(len(ROWS))] == REFUSED
    ours = Teacher.loaded(folder)
    for n, (query, text) in enumerate(ROWS):
        if REFUSED[n] is None:
            alone = ours.probabilities(ours.padded(ours.pairs([query or ""], [text or ""])))[0]
            assert np.abs(np.array(found[n].probabilities) - alone).max() < 1e-5
            assert found[n].precision == "fp32"
        else:
            assert found[n].probabilities is None


def test_lengths_are_those_of_the_tokens_so_that_batches_hold_pairs_of_one_length(tmp_path: Path) -> None:
    task = load(str(teacher(tmp_path / "t")), {}, "cpu", "fp32")
    prepared = task.prepare([pa.array(["blue lamp", "the"]), pa.array(["soup", "red " * 40])])
    assert prepared.lengths.tolist() == [6, 16]
    assert task.run(task.batch(prepared.items, np.array([1, 0]))).type == pa.list_(pa.float32(), 5)


def test_pairs_of_one_text_are_asked_in_one_batch_so_that_it_is_read_once(tmp_path: Path) -> None:
    task = load(str(with_prior(tmp_path / "t")), {}, "cpu", "fp32")
    texts = ["blue soup", "red lamp", "a table"] * 4
    queries = [f"{word} lamp" for word in ("red", "blue", "a", "the") for _ in range(3)]
    batches: list[Any] = []
    batch = task.batch
    task.batch = lambda items, places: batches.append(batch(items, places)) or batches[-1]  # type: ignore[method-assign]
    list(answered(iter([[pa.array(queries), pa.array(texts)]]), lambda inputs: task, Budget(batch_rows=4)))
    assert [len(one.apart[0].texts[0]) for one in batches] == [1, 1, 1]
    assert [len(one.apart[0].queries[0]) for one in batches] == [4, 4, 4]


def test_a_prior_is_asked_by_itself(tmp_path: Path) -> None:
    folder = with_prior(tmp_path / "t")
    ours, task = Teacher.loaded(folder), load(str(folder), {"prior_alone": True}, "cpu", "fp32")
    (answers, _), *_ = answered(iter([[pa.array(["red lamp", "soup"]), pa.array(["a red table", "soup"])]]), lambda inputs: task, Budget())
    wanted = ours.prior.probabilities(ours.padded(ours.pairs(["red lamp", "soup"], ["a red table", "soup"])).apart)  # type: ignore[union-attr]
    assert np.abs(np.array(answers.to_pylist()) - wanted).max() < 1e-5
    assert np.abs(wanted - ours.probabilities(ours.padded(ours.pairs(["red lamp", "soup"], ["a red table", "soup"])))).max() > 1e-2
    with pytest.raises(ModelError, match="this teacher has no prior"):
        load(str(teacher(tmp_path / "n")), {"prior_alone": True}, "cpu", "fp32")
