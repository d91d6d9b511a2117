"""What a student is given: nested sets of its teacher's labels, people's beside them, and no query that it is measured on."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.students.train_student import TrainStudentParams, build, examples, parts
from models.specs import ModelError
from schemas import training
from schemas.features import NUMBERS
from tests.replay import frame


def example(n: int, by: str, split: str = "train", **other: Any) -> dict[str, Any]:
    """A row of training.student_examples."""
    return {
        "ds": "2026-01-05",
        "example_id": hashlib.sha256(f"{by}{n}".encode()).hexdigest(),
        "labelled_by": by,
        "query": f"q{n % 5}",
        "entity_type": "pin",
        "entity_id": f"p{n}",
        "text": f"title: {n % 7}",
        "target": [0.2] * 5,
        "weight": 1.0 + n % 3 if by == "teacher" else 1.0,
        "split": split,
        "numbers": [None] * len(NUMBERS),
        **other,
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    """Rows as the trainer reads them."""
    names = [*rows[0], "graph_vector"]
    kinds = {"numbers": pa.list_(pa.float32()), "graph_vector": pa.list_(pa.float32())}
    columns = {name: pa.array([row.get(name) for row in rows], kinds.get(name)) for name in names}
    return pa.table(columns).sort_by("example_id")


ROWS = [example(n, "teacher") for n in range(60)] + [example(n, "human") for n in range(10)]
ROWS += [example(n, "human", "validation") for n in range(10, 15)] + [example(n, "human", "test") for n in range(15, 20)]


def test_a_smaller_multiple_is_a_part_of_a_larger_one() -> None:
    sets = []
    for multiple, wanted in ((0.5, 5), (2, 20), (100, 60), (0, 60)):
        learnt, looked_at = parts(table(*ROWS), TrainStudentParams(multiple=multiple))
        assert len(learnt) == wanted + 10
        assert len(looked_at) == 5
        texts = {(learnt.queries[q], learnt.texts[t]) for q, t in zip(learnt.query_of[:wanted], learnt.text_of[:wanted], strict=True)}
        sets.append(texts)
    assert sets[0] <= sets[1] <= sets[2] == sets[3]


def test_people_count_by_their_weight_and_sampled_pairs_by_their_chance() -> None:
    learnt, _ = parts(table(*ROWS), TrainStudentParams(human_weight=3.0, sampling=1.0))
    assert learnt.weight[:60].mean() == pytest.approx(1)
    assert sorted(set(np.round(learnt.weight[:60] / learnt.weight[:60].min(), 6))) == [1, 2, 3]
    assert set(learnt.weight[60:]) == {3.0}
    alone, _ = parts(table(*ROWS), TrainStudentParams(human_weight=0.0))
    assert len(alone) == 60


def test_without_graded_validation_queries_the_teachers_are_looked_at() -> None:
    rows = [one for one in ROWS if one["split"] == "train"] + [example(100, "teacher", "validation")]
    assert len(parts(table(*rows), TrainStudentParams())[1]) == 1


def test_queries_and_texts_are_told_apart_once() -> None:
    found = examples(table(*ROWS), np.ones(len(ROWS)))
    assert sorted(found.queries) == [f"q{n}" for n in range(5)]
    assert len(found.texts) == 7
    assert found.graph.shape == (80, 256)
    assert np.isnan(found.graph).all()
    assert found.numbers.shape == (80, len(NUMBERS))


def test_a_query_belongs_to_the_part_in_which_people_graded_it(spark: SparkSession) -> None:
    rows = [
        example(0, "human", "test", query="Lamp"),
        example(1, "teacher", "train", query="lamp"),
        example(2, "teacher", "validation", query="sofa"),
        example(3, "human", "train", query="vase", ds="2026-01-04", grade=1),
        example(3, "human", "train", query="vase", ds="2026-01-06", grade=2),
    ]
    found = build(frame(spark, training.STUDENT_EXAMPLES, rows)).collect()
    assert {(row.query, row.split) for row in found} == {("Lamp", "test"), ("lamp", "test"), ("sofa", "validation"), ("vase", "train")}
    assert [row.grade for row in found if row.query == "vase"] == [2], "the newest label of a pair"


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ModelError, match="multiple is 0 or more"):
        TrainStudentParams(multiple=-1)
    assert TrainStudentParams().recipe().encoder_minutes == TrainStudentParams().encoder_minutes
    assert TrainStudentParams(encoder="path:/x").starts() == {"encoder": "path:/x"}
