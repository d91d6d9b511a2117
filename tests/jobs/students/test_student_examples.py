"""Labels joined with what was known then: each number from its table, and nothing from after the day."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.students.student_examples import StudentExampleParams, build
from schemas import features, labels, state, training
from schemas.features import MATCHED, NUMBERS
from tests.replay import frame

DAY = "2026-01-25"
PIN = {"entity_type": "pin", "entity_id": "p1"}
TEXT = "title: Red vase"
SAID = [0.1, 0.1, 0.1, 0.1, 0.6]
KEY = hashlib.sha256(b"red vase\x1fpin\x1fp1").hexdigest()


def vector_row(spark: SparkSession, role: str, text: str, value: float) -> tuple[str, str, list[float]]:
    """An answer of the encoder."""
    return hashlib.sha256(f"{role}\x1f{text}".encode()).hexdigest(), "a" * 16, [value] * 4


def entity(ds: str, **other: Any) -> dict[str, Any]:
    """A row of features.entities."""
    return {"ds": ds, **PIN, **dict.fromkeys(COUNTS, 0), "born": "2026-01-05", "present": ["title"], "language": "en", **other}


def rows(spark: SparkSession, **given: list[dict[str, Any]]) -> list[Any]:
    """What the build makes of a candidate with its score and of a graded pair."""
    pair = {"ds": DAY, "request_key": KEY, "query": "red vase", **PIN}
    match = {"bm25": 1.5, "phrase": 1.0, "share": 0.5}
    tables = {
        "candidates": (labels.CANDIDATES, [{**pair, "text": TEXT, "sources": ["title"], "probability": 0.25, "events": 3, "stratum": "s"}]),
        "scores": (labels.TEACHER_SCORES, [{**pair, "probability": 0.25, "probabilities": SAID, "model_revision": "r"}]),
        "examples": (
            training.TEACHER_EXAMPLES,
            [
                {
                    "ds": DAY, "query": "Red Vase", **PIN, "text": TEXT, "target": [0.0, 0.0, 0.0, 0.0, 1.0],
                    "grade": 5, "level": 4.0, "level_low": 1, "level_high": 4, "split": "test",
                }
            ],
        ),
        "pairs": (
            features.PAIRS,
            [{**pair, "matches": [match] + [None] * 5, "impressions": 80, "clicks": 8, "long_clicks": 0, "saves": 4, "search_cosine": 0.3}],
        ),
        "queries": (
            features.QUERIES,
            [
                {
                    "ds": DAY, "query": "red vase", "words": 2, "language": "en", "engagements": 10, "product_engagements": 4,
                    "interests": [("home", 6), ("art", 2)],
                }
            ],
        ),
        "entities": (features.ENTITIES, [entity("2026-01-05", interest="home", impressions=9_999)]),
        "entities_before": (features.ENTITIES, [entity("2026-01-20", impressions=180, clicks=10, saves=2)]),
        "embeddings": (state.ENTITY_EMBEDDINGS, [{"ds": "2026-01-20", **PIN, "name": "pinsage", "vector": [0.5] * 256}]),
    }  # fmt: skip
    frames = {name: frame(spark, table, given.get(name, own)).drop("changed") for name, (table, own) in tables.items()}
    vectors = [vector_row(spark, "query", "red vase", 1.0), vector_row(spark, "document", TEXT, 2.0)]
    answered = spark.createDataFrame(vectors, "input_hash string, model_revision string, vector array<float>")
    return build(**frames, vectors=answered, params=StudentExampleParams()).collect()


def known(row: Any) -> dict[str, float]:
    """The numbers that are known, by name."""
    return {name: value for name, value in zip(NUMBERS, row.numbers, strict=True) if value is not None}


def test_a_label_has_all_that_was_known_of_its_pair(spark: SparkSession) -> None:
    found = {row.labelled_by: row for row in rows(spark)}
    teacher = found["teacher"]
    assert (teacher.weight, teacher.model_revision, teacher.text) == (4.0, "r", TEXT)
    assert teacher.target == pytest.approx(SAID)
    assert teacher.level is None
    numbers = known(teacher)
    assert numbers["bm25_title"] == 1.5
    assert (numbers["phrase_title"], numbers["share_title"]) == (1.0, 0.5)
    assert "bm25_caption" not in numbers
    # 80 impressions with 8 clicks, drawn by 20 more at the entity's own rate, 10 of 200.
    assert numbers["click_rate"] == pytest.approx((8 + 20 * 0.05) / 100)
    assert numbers["entity_click_rate"] == pytest.approx(0.05)
    assert numbers["query_product_share"] == pytest.approx(0.4)
    assert numbers["interest_share"] == pytest.approx(0.6)
    assert (numbers["same_language"], numbers["search_cosine"]) == (1.0, pytest.approx(0.3))
    assert numbers["entity_age"] == pytest.approx(3.0445, abs=1e-3), "20 days"
    assert [numbers[f"has_{source}"] for source in MATCHED] == [1.0] + [0.0] * 5
    assert numbers["share_text"] == 1.0
    assert teacher.query_vector == [1.0] * 4
    assert teacher.text_vector == [2.0] * 4
    assert teacher.graph_vector == [0.5] * 256
    human = found["human"]
    assert (human.weight, human.grade, human.level, human.level_high, human.split) == (1.0, 5, 4.0, 4, "test")
    assert human.query == "Red Vase"
    assert known(human).keys() == numbers.keys(), "found by the normalised query"
    assert human.query_vector is None, "the encoder was asked about another spelling"
    assert human.text_vector == [2.0] * 4


def test_what_is_not_known_is_null_and_the_label_stays(spark: SparkSession) -> None:
    nothing = {name: [] for name in ("pairs", "queries", "entities", "entities_before", "embeddings")}
    found = rows(spark, **nothing)
    assert {row.labelled_by for row in found} == {"teacher", "human"}
    assert set(known(found[0])) == {"query_words", "phrase_text", "share_text", "phrase_first", "share_first"}
    assert found[0].graph_vector is None


def test_shares_and_priors_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="are shares"):
        StudentExampleParams(test=1.0)
    with pytest.raises(ValueError, match="prior_impressions is above 0"):
        StudentExampleParams(prior_impressions=0)
