from __future__ import annotations

import json

from pyspark.sql import SparkSession

from jobs.evaluation.link_texts import evaluate
from schemas import ops

GOLD = "url string, title string, description string, language string"
TEXTS = "url string, title string, description string"


def test_texts_are_right_where_they_equal_the_gold_but_for_case_and_space(spark: SparkSession) -> None:
    gold = [
        ("a", "Apple\u00a0 Pie ", "An apple pie.", "en"),
        ("b", "Straßenkuchen", None, "de"),
        ("c", "Cherry pie", "A cherry pie.", "en"),
        ("d", "Date pie", "  ", "en"),
        ("e", "Gone pie", "Too large to be read.", "en"),
        ("f", "Lost pie", "Never fetched.", None),
        ("a", "Another page of the same url", None, "en"),
    ]
    texts = [
        ("a", "apple pie", "an  APPLE\npie."),
        ("b", "STRAßENKUCHEN", "ignored"),
        ("c", "cherry pies", None),
        ("d", None, None),
        ("x", "other", None),
    ]
    refused = [
        ("r", "signals.link_texts", "2026-01-06", "large", json.dumps({"ds": "2026-01-06", "url": url}), "{}") for url in ("e", "e", "y")
    ]
    found = evaluate(
        spark.createDataFrame(gold, GOLD), spark.createDataFrame(texts, TEXTS), spark.createDataFrame(refused, ops.QUARANTINE.ddl)
    )
    assert found == {
        "pages": 7,
        "rows": 5,
        "quarantined": 1,
        "title": {"right": 2, "of": 7, "share": 0.2857},
        "description": {"right": 1, "of": 4, "share": 0.25},
        "by_language": {
            "en": {
                "pages": 5,
                "title": {"right": 1, "of": 5, "share": 0.2},
                "description": {"right": 1, "of": 3, "share": 0.3333},
            },
            "de": {
                "pages": 1,
                "title": {"right": 1, "of": 1, "share": 1.0},
                "description": {"right": 0, "of": 0, "share": None},
            },
            "und": {
                "pages": 1,
                "title": {"right": 0, "of": 1, "share": 0.0},
                "description": {"right": 0, "of": 1, "share": 0.0},
            },
        },
    }


def test_no_pages_give_counts_of_zero_and_no_share(spark: SparkSession) -> None:
    found = evaluate(spark.createDataFrame([], GOLD), spark.createDataFrame([], TEXTS), spark.createDataFrame([], ops.QUARANTINE.ddl))
    assert found == {
        "pages": 0,
        "rows": 0,
        "quarantined": 0,
        "title": {"right": 0, "of": 0, "share": None},
        "description": {"right": 0, "of": 0, "share": None},
        "by_language": {},
    }
