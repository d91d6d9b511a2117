from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.evaluation.captions import content_words, evaluate, evaluate_planted, metrics, planted
from jobs.evaluation.metrics import Metric
from schemas import ops

WORDS = "image_id string, caption string"
SHOWN = "image_id string, object string, color string, style string"


def test_content_words_are_lemmas_without_small_words_and_punctuation(spark: SparkSession) -> None:
    texts = {
        "Two cats, and a hat on the CATS!": {"two", "cat", "hat"},
        "A Magellanic penguin.": {"magellanic", "penguin"},
        "": set(),
        None: set(),
        "...": set(),
    }
    rows = spark.createDataFrame([(text,) for text in texts], "text string").select("text", content_words(F.col("text")).alias("words"))
    assert {row.text: set(row.words) for row in rows.collect()} == texts


def test_captions_are_measured_by_peoples_words_with_chance_beside_them(spark: SparkSession) -> None:
    gold = [
        ("a", "A red cat."),
        ("b", "The blue dogs"),
        ("c", "A red bird on a tree"),
        ("d", "Nothing was written for it"),
        ("e", "   "),
        ("f", "A house"),
    ]
    captions = [("a", "a cat"), ("b", "blue dog, blue dog"), ("c", "a house"), ("x", "a bird"), ("f", "a cat")]
    refused = [("r", "signals.images", "2026-01-06", "no image", json.dumps({"image_id": one}), "{}") for one in ("d", "d", "y")]
    found: Any = evaluate(
        spark.createDataFrame(gold, WORDS), spark.createDataFrame(captions, WORDS), spark.createDataFrame(refused, ops.QUARANTINE.ddl)
    )
    assert (found["images"], found["rows"], found["quarantined"], found["measured"]) == (5, 4, 1, 5)
    # a: 1 of (1, 2) words; b: both; c, f: none; d: no caption.
    assert found["content_words"]["f1"]["mean"] == pytest.approx((2 / 3 + 1) / 5, abs=1e-4)
    assert found["content_words"]["recall"]["mean"] == pytest.approx((1 / 2 + 1) / 5, abs=1e-4)
    assert found["content_words"]["precision"]["mean"] == pytest.approx(2 / 5, abs=1e-4)
    # Of the four other captions: a's words are also f's caption; f's are c's.
    assert found["shuffled"]["f1"]["mean"] == pytest.approx((2 / 3 / 4 + 1 / 4) / 5, abs=1e-4)
    assert found["f1_above_shuffled"]["mean"] == pytest.approx((2 / 3 + 1 - 2 / 3 / 4 - 1 / 4) / 5, abs=1e-4)
    assert found["common_words"]["words"][0] == "red"
    assert found["content_words"]["f1"]["low"] <= found["content_words"]["f1"]["mean"] <= found["content_words"]["f1"]["high"]
    # a and b fit best; c's caption is f's words, f's is a's, so both have one better; d says nothing and ties with all.
    places = found["retrieval"]
    assert places["first_1"]["mean"] == pytest.approx((1 + 1 + 0 + 1 / 5 + 0) / 5, abs=1e-4)
    assert places["first_1"]["by_chance"] == 0.2
    assert places["first_10"]["mean"] == places["first_10"]["by_chance"] == 1.0


def test_what_was_found_becomes_rows_of_metrics_with_their_bounds() -> None:
    mean = {"mean": 0.5, "low": 0.4, "high": 0.6}
    found = {
        "images": 9,
        "rows": 8,
        "measured": 7,
        "shuffled": {"f1": mean},
        "common_words": {"words": ["red"], "f1": mean},
        "f1_above_shuffled": mean,
    }
    rows = metrics("people.parquet", found, {"signals.image_captions": 3})
    assert [(row.metric, row.value, row.count, row.lower, row.upper) for row in rows] == [
        ("images", 9, 9, None, None),
        ("rows", 8, 9, None, None),
        ("measured", 7, 9, None, None),
        ("shuffled_f1", 0.5, 7, 0.4, 0.6),
        ("common_words_f1", 0.5, 7, 0.4, 0.6),
        ("f1_above_shuffled", 0.5, 7, 0.4, 0.6),
    ]
    shares = metrics("sample.truth", {"images": 4, "rows": 3, "object": {"right": 1, "share": 0.25, "shuffled": 0.1}}, {"t": 1})
    assert shares[2:] == [
        Metric("sample.truth", "all", "object_share", 0.25, 4, table_versions={"t": 1}),
        Metric("sample.truth", "all", "object_shuffled", 0.1, 4, table_versions={"t": 1}),
    ]


def test_no_images_give_counts_of_zero_and_no_means(spark: SparkSession) -> None:
    found: Any = evaluate(spark.createDataFrame([], WORDS), spark.createDataFrame([], WORDS), spark.createDataFrame([], ops.QUARANTINE.ddl))
    assert (found["images"], found["rows"], found["quarantined"], found["measured"]) == (0, 0, 0, 0)
    assert found["content_words"]["f1"] == {"mean": None, "low": None, "high": None}
    assert found["common_words"]["words"] == []


def test_images_show_what_was_planted_for_the_pins_that_show_them(spark: SparkSession) -> None:
    pins = [("p1", "i1", False), ("p1", "i1", False), ("p1", None, True), ("p2", "i1", False), ("p3", "i3", False), ("p9", "i9", False)]
    truth = [
        ("pin", "p1", "cat", "red", "plain"),
        ("pin", "p2", "cat", "red", "plain"),
        ("pin", "p3", "dog", "blue", "dotted"),
        ("product", "p9", "car", "red", "plain"),
    ]
    shown = planted(
        spark.createDataFrame(pins, "pin_id string, image_id string, deleted boolean"),
        spark.createDataFrame(truth, "entity_type string, entity_id string, object string, color string, style string"),
    )
    assert sorted(map(tuple, shown.collect())) == [("i1", "cat", "red", "plain"), ("i3", "dog", "blue", "dotted")]


def test_captions_of_a_sample_lake_are_right_where_they_name_what_was_planted(spark: SparkSession) -> None:
    shown = [
        ("a", "cat", "red", "plain"),
        ("b", "cat", "blue", "dotted"),
        ("c", "dog", "orange", "plain"),
        ("d", "car", "red", "plain"),
    ]
    captions = [("a", "a red plain cat"), ("b", "a Blue plain dog"), ("c", "an orange plain dogs"), ("x", "a red plain cat")]
    found = evaluate_planted(spark.createDataFrame(shown, SHOWN), spark.createDataFrame(captions, WORDS))
    assert found == {
        "images": 4,
        "rows": 3,
        # Dealt at random: cat is said once and shown twice, dog is said once and shown once.
        "object": {"right": 1, "share": 0.25, "shuffled": round((1 * 2 + 1 * 1) / 16, 4)},
        "color": {"right": 3, "share": 0.75, "shuffled": round((1 * 2 + 1 + 1) / 16, 4)},
        "style": {"right": 2, "share": 0.5, "shuffled": round(3 * 3 / 16, 4)},
    }
    nothing = evaluate_planted(spark.createDataFrame([], SHOWN), spark.createDataFrame([], WORDS))
    assert nothing["object"] == {"right": 0, "share": None, "shuffled": None}
