"""Texts and queries are asked once in each role."""

from __future__ import annotations

import hashlib

import pytest
from pyspark.sql import SparkSession

from jobs.students.text_embeddings import TextEmbeddingParams, build
from schemas import labels, training
from tests.replay import frame

DAY = "2026-01-05"


def test_each_side_of_a_pair_is_a_question_in_its_role(spark: SparkSession) -> None:
    pair = {"ds": DAY, "query": "lamp", "entity_type": "pin", "entity_id": "p1", "probability": 1.0, "events": 0, "stratum": "s"}
    candidates = frame(spark, labels.CANDIDATES, [{**pair, "text": "lamp"}])
    graded = frame(
        spark, training.TEACHER_EXAMPLES, [{"ds": DAY, "query": "Lamp", "entity_type": "pin", "entity_id": "p1", "text": "lamp"}]
    )
    rows = build(candidates, graded).distinct().collect()
    assert sorted((r.role, r.text) for r in rows) == [("document", "lamp"), ("query", "Lamp"), ("query", "lamp")]
    assert {r.input_hash for r in rows} == {hashlib.sha256(f"{r.role}\x1f{r.text}".encode()).hexdigest() for r in rows}
    with pytest.raises(ValueError, match="at least 8"):
        TextEmbeddingParams(max_tokens=2)
