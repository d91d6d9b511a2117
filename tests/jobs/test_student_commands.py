"""Commands over a student, on a lake that has nothing but products and what people graded: real Spark, real Delta."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.commands import Lake
from jobs.days import Days
from jobs.errors import PinlakeError, UsageError
from jobs.settings import load
from schemas import features, labels, training
from tests.models.folders import encoder

DAY = Days("2026-02-01", "2026-02-01")
WORDS = "blue lamp soup red table".split()
PARAMS = {
    "train_teacher": {"minutes": 0.1, "warm_pairs": 32, "epochs": 1},
    "teacher_examples": {"validation": 0.2, "test": 0.3},
    "candidates": {"formed_most": 8},
    "train_student": {"encoder_minutes": 0, "epochs": 3},
    "teacher_scores": {"bias_most": 4.0, "agreement_least": -1.0, "rise_most": 4.0},
}


def graded(folder: Path) -> Path:
    """A file of graded pairs of two words, the more relevant the more words they share."""
    luck = np.random.default_rng(3)
    rows = []
    for n in range(240):
        query, title = (" ".join(luck.choice(WORDS, 2, replace=False)) for _ in range(2))
        level = 1 + 3 * len(set(query.split()) & set(title.split())) // 2
        rows.append((str(n), query, f"{title} {n}", "a description" if n % 3 else None, float(level), 0.4, None))
    names = ["id", "query", "title", "description", "median_relevance", "votes_std", "grade5"]
    frame = pd.DataFrame(rows, columns=names).astype({"grade5": "Int32"})
    frame.to_parquet(folder / "pairs.parquet")
    return folder / "pairs.parquet"


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """Products and grades of one day, a teacher, its labels of formed pairs, and a student."""
    folder = tmp_path_factory.mktemp("given")
    small = encoder(folder / "encoder")
    settings = {"warehouse": str(tmp_path_factory.mktemp("ware house")), "master": "local[2]", "params": PARAMS, "engine": {"threads": 1}}
    made = Lake(load({**settings, "models": {"encoder": f"path:{small}"}}))
    with pytest.raises(PinlakeError, match="run first: pinlake run students"):
        made.evaluate_serving(DAY, 10)
    made.import_file("product_relevance", graded(folder), DAY)
    for tag, model in (("teacher", "teacher"), ("students", "student")):
        told = made.run(tag, DAY, upstream=True, force=True)[0]["jobs"][f"train_{model}"]["model"]
        if not told["promoted"]:  # a few dozen test pairs: chance may decide
            made.models_promote(model, told["spec"], DAY.last)
            made.runner.models.forget()
    return made


def test_the_labels_of_the_day_are_asked_for_where_students_are_wanted(lake):
    scored = lake.store.frame(labels.TEACHER_SCORES).count()
    rows = lake.store.frame(training.STUDENT_EXAMPLES)
    assert rows.where("labelled_by = 'teacher'").count() == scored > 20
    assert rows.where("labelled_by = 'human'").count() == lake.store.frame(training.TEACHER_EXAMPLES).count()
    assert rows.where("graph_vector is not null").isEmpty(), "no embeddings are connected"


def test_serving_is_timed_on_one_core_and_onnx_says_what_torch_says(lake):
    found, text = lake.evaluate_serving(DAY, 40)
    assert found["entities"] == 40
    assert found["student"]["p50_ms"] <= found["student"]["p99_ms"]
    assert found["parity"]["rows"] == 10_000
    assert found["parity"]["largest_difference"] < 1e-4
    assert "times faster than the teacher" in text


def test_text_sources_are_compared_and_what_says_the_same_is_not_run_twice(lake, tmp_path):
    found, text = lake.evaluate_ablation(DAY, 1.0, tmp_path / "sources.png")
    rows = {row["sources"]: row for row in found["variants"]}
    assert len(rows) == 12
    assert rows["all sources"]["with_text"] > 0
    assert any("texts are those of" in (row.get("not_run") or "") for row in rows.values())
    assert sum(row.get("teacher auroc") is not None for row in rows.values()) >= 1
    assert (tmp_path / "sources.png").is_file()


def test_the_feed_of_a_day_has_what_changed_on_it_once(lake, tmp_path):
    told, _ = lake.export("entities", tmp_path / "feed", DAY)
    rows = lake.spark.read.parquet(str(tmp_path / "feed"))
    assert rows.count() == told["rows"] > 0
    assert rows.select("entity_type", "entity_id").distinct().count() == told["rows"]
    stored = lake.store.frame(features.ENTITIES).where(f"ds = '{DAY.last}' and changed")
    assert stored.count() == told["rows"]
    with pytest.raises(UsageError, match="holds something already"):
        lake.export("entities", tmp_path / "feed", DAY)
    with pytest.raises(UsageError, match="cannot be exported; there are entities, pins, products"):
        lake.export("nothing", tmp_path / "other", DAY)


def test_a_student_scores_a_file_as_its_teacher_does(lake, tmp_path):
    frame = pd.DataFrame([("blue lamp", "Blue lamp", None), ("soup", None, None)], columns=["q", "title", "description"])
    frame.to_parquet(tmp_path / "pairs.parquet")
    found = {}
    for model in ("teacher", "student"):
        told, _ = lake.score(tmp_path / "pairs.parquet", model, "q", ["title", "description"], tmp_path / f"{model}.parquet")
        assert (told["rows"], told["refused"]) == (2, 1)
        found[model] = pd.read_parquet(tmp_path / f"{model}.parquet")
    assert list(found["student"].columns) == list(found["teacher"].columns)
    assert found["student"].loc[0, [f"p{n}" for n in range(1, 6)]].sum() == pytest.approx(1, abs=1e-4)
    assert found["student"].loc[0, "model_revision"] != found["teacher"].loc[0, "model_revision"]


def test_a_trainer_reads_the_examples_without_spark_or_java(lake):
    path = lake.store.path(training.STUDENT_EXAMPLES)
    version = lake.store.ledger(training.STUDENT_EXAMPLES).version
    root = Path(__file__).parents[2]
    for script, wanted in (
        ("train_from_delta", "epoch 3: train loss"),
        ("read_with_pyarrow", "of length 1.000"),
        ("read_with_datasets", "Dataset("),
    ):
        command = [sys.executable, str(root / "examples" / f"{script}.py"), path, "--version", str(version)]
        env = {
            "PATH": "/nowhere",
            "PYTHONPATH": str(root),
            "HF_DATASETS_CACHE": str(Path(lake.settings.warehouse) / "_hf"),
            "HOME": os.environ["HOME"],
        }
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2_000:]
        assert wanted in done.stdout
