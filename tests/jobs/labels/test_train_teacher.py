"""What a teacher is trained on, and what its parameters name."""

from __future__ import annotations

import pytest

from jobs.labels.train_teacher import COLUMNS, TrainTeacherParams, newest
from models.recipe import Recipe
from models.specs import ModelError


def test_a_pair_that_was_graded_again_counts_with_its_newest_grade(spark):
    rows = [("2026-01-05", "a", 1), ("2026-01-09", "a", 2), ("2026-01-07", "b", 3)]
    found = newest(spark.createDataFrame(rows, "ds string, example_id string, grade int")).orderBy("example_id").collect()
    assert [(row.ds, row.example_id, row.grade) for row in found] == [("2026-01-09", "a", 2), ("2026-01-07", "b", 3)]


def test_parameters_name_the_models_to_start_from_and_hold_the_recipe():
    both = TrainTeacherParams(body="path:/x", prior=("encoder", "path:/y"), epochs=2)
    assert both.starts() == {"body": "path:/x", "prior_0": "encoder", "prior_1": "path:/y"}
    assert both.recipe() == Recipe(epochs=2)
    assert TrainTeacherParams(kind="prompted", body="path:/x").starts() == {"body": "path:/x"}
    assert {"query", "text", "target", "split"} <= set(COLUMNS)
    with pytest.raises(ModelError, match="kind is tuned or prompted, got 'asked'"):
        TrainTeacherParams(kind="asked")
