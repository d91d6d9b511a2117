"""Word match by source and engagement of pairs, each as of its time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days
from jobs.registry import job
from schemas import embeddings, features, labels, raw, signals, state, texts, training
from schemas.features import MATCHED
from tests.replay import frame, replay

FIRST, DAY = "2026-01-01", "2026-01-25"
PINS = [
    {"ds": FIRST, "pin_id": "p1", "title": "Red vase", "caption": "a vase that is red", "engaged_queries": ["old query"]},
    {"ds": "2026-01-20", "pin_id": "p1", "title": "Red vase", "caption": "a vase that is red", "engaged_queries": ["red vase"]},
    {"ds": FIRST, "pin_id": "p2", "title": "lamp"},
]
PRODUCTS = [{"ds": FIRST, "product_id": "s1", "title": "Vase", "colors": ["red"], "brand": "Lux"}]


def candidate(query: str, kind: str, entity: str) -> dict[str, Any]:
    """A row of labels.candidates."""
    return {
        "ds": DAY,
        "query": query,
        "entity_type": kind,
        "entity_id": entity,
        "probability": 1.0,
        "events": 0,
        "stratum": "s",
        "text": "t",
    }


def vector(*head: float) -> list[float]:
    """256 numbers that begin with these."""
    return [*head, *[0.0] * (256 - len(head))]


def test_matches_are_by_source_and_of_the_right_time(spark: SparkSession) -> None:
    asked = [candidate("red vase", "pin", "p1"), candidate("red vase", "product", "s1"), candidate("red vase", "pin", "gone")]
    counts = dict.fromkeys(COUNTS, 0) | {"impressions": 10, "clicks": 4, "saves": 1}
    pair = {"entity_type": "pin", "entity_id": "p1", "query": "red vase"}
    embedded = {"entity_type": "pin", "entity_id": "p1", "name": "searchsage"}
    given = {
        labels.CANDIDATES: frame(spark, labels.CANDIDATES, asked),
        training.TEACHER_EXAMPLES: frame(
            spark, training.TEACHER_EXAMPLES, [{"ds": DAY, "query": "Red Vase ", "entity_type": "pin", "entity_id": "p1", "text": "t"}]
        ),
        texts.PINS: frame(spark, texts.PINS, PINS),
        texts.PRODUCTS: frame(spark, texts.PRODUCTS, PRODUCTS),
        signals.ENGAGEMENT_TOTALS: frame(
            spark, signals.ENGAGEMENT_TOTALS, [{"ds": "2026-01-10", **pair, **counts}, {"ds": "2026-01-11", **pair, **counts, "clicks": 99}]
        ),
        state.ENTITY_EMBEDDINGS: frame(spark, state.ENTITY_EMBEDDINGS, [{"ds": FIRST, **embedded, "vector": vector(3.0, 4.0)}]),
        raw.ENTITY_EMBEDDINGS: frame(
            spark,
            raw.ENTITY_EMBEDDINGS,
            [
                {"ds": FIRST, "entity_type": "query", "entity_id": "RED vase", "name": "searchsage", "vector": vector(0.0, 1.0)},
                {"ds": "2026-01-26", "entity_type": "query", "entity_id": "red vase", "name": "searchsage", "vector": vector(1.0, 0.0)},
            ],
        ),
    }
    found = replay(spark, [job("corpus_words"), job("pair_features")], given, [Days(FIRST, DAY)])[features.PAIRS].collect()
    rows = {r.entity_id: r for r in found}
    assert len(found) == 3, "a pair that is a candidate and graded stands once"
    p1 = dict(zip(MATCHED, rows["p1"].matches, strict=True))
    assert {name: (one.phrase, one.share) for name, one in p1.items() if one} == {
        "title": (1.0, 1.0),
        "caption": (0.0, 1.0),
        "queries": (0.0, 0.0),
    }
    # Two titles of three words: red and vase stand in one of them.
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert p1["title"].bm25 == pytest.approx(2 * idf / (1 + 1.5 * (0.25 + 0.75 * 2 / 1.5)))
    assert (rows["p1"].impressions, rows["p1"].clicks, rows["p1"].saves) == (10, 4, 1)
    assert rows["p1"].search_cosine == pytest.approx(0.8)
    s1 = dict(zip(MATCHED, rows["s1"].matches, strict=True))
    assert {name: (one.phrase, one.share) for name, one in s1.items() if one} == {"title": (0.0, 0.5), "description": (0.0, 0.5)}
    assert (rows["s1"].impressions, rows["s1"].search_cosine) == (0, None)
    assert rows["gone"].matches == [None] * len(MATCHED)


def test_the_cosine_is_of_the_joint_embedding_by_one_parameter(spark: SparkSession) -> None:
    def made(ds: str, key: str, name: str, *head: float, deleted: bool = False) -> dict[str, Any]:
        numbers = np.array(vector(*head), "<f2").tobytes()
        return {"ds": ds, key: name, "vector": numbers, "input_hash": "0" * 64, "model_revision": "0" * 16, "deleted": deleted}

    asked = [candidate("red vase", "pin", "p1"), candidate("red vase", "product", "s1"), candidate("red vase", "product", "s2")]
    given = {
        labels.CANDIDATES: frame(spark, labels.CANDIDATES, [*asked, candidate("never embedded", "pin", "p1")]),
        texts.PINS: frame(spark, texts.PINS, PINS),
        texts.PRODUCTS: frame(spark, texts.PRODUCTS, PRODUCTS),
        embeddings.QUERIES: frame(
            spark,
            embeddings.QUERIES,
            [made("2026-01-24", "query", "red vase", 0.0, 1.0), made("2026-01-26", "query", "red vase", 1.0, 0.0)],
        ),
        embeddings.PINS: frame(
            spark,
            embeddings.PINS,
            [made(FIRST, "pin_id", "p1", 1.0), made("2026-01-20", "pin_id", "p1", 0.6, 0.8), made("2026-01-26", "pin_id", "p1", 0.0, 1.0)],
        ),
        embeddings.PRODUCTS: frame(
            spark,
            embeddings.PRODUCTS,
            [
                made(FIRST, "product_id", "s1", 1.0),
                made(FIRST, "product_id", "s2", 0.0, 1.0),
                made("2026-01-20", "product_id", "s2", deleted=True),
            ],
        ),
    }
    params = {"pair_features": {"search": "omnisearchsage"}}
    found = replay(spark, [job("corpus_words"), job("pair_features")], given, [Days(FIRST, DAY)], params)[features.PAIRS].collect()
    assert {(r.query, r.entity_id): r.search_cosine for r in found} == {
        ("red vase", "p1"): pytest.approx(0.8, abs=1e-3),
        ("red vase", "s1"): 0.0,
        ("red vase", "s2"): None,
        ("never embedded", "p1"): None,
    }
