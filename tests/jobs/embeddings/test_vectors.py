"""Vectors of the model that counts: said anew where what is read changed and on the first day of a model; wrong ones stop a publication."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.building import published_form
from jobs.days import Days
from jobs.embeddings.embedding_answers import build, payload
from jobs.embeddings.vectors import pins, queries
from jobs.errors import Refused
from jobs.publication import Step, publish
from jobs.registry import job
from jobs.store import Store
from schemas import answers, embeddings
from tests.replay import frame

OLD, NEW = "a" * 16, "b" * 16
DAYS = Days("2026-01-05", "2026-01-06")
A, B, C, D = (letter * 64 for letter in "abcd")


def inputs(spark: SparkSession) -> DataFrame:
    """Pins of which one stood before the days, one changed, one left, and a product."""
    rows = [
        {"ds": "2026-01-04", "entity_type": "pin", "entity_id": "stood", "input_hash": A},
        {"ds": "2026-01-04", "entity_type": "pin", "entity_id": "changed", "input_hash": A},
        {"ds": "2026-01-05", "entity_type": "pin", "entity_id": "changed", "input_hash": B, "title": "lamp"},
        {"ds": "2026-01-04", "entity_type": "pin", "entity_id": "left", "input_hash": C},
        {"ds": "2026-01-06", "entity_type": "pin", "entity_id": "left", "deleted": True},
        {"ds": "2026-01-06", "entity_type": "pin", "entity_id": "unasked", "input_hash": D},
        {"ds": "2026-01-06", "entity_type": "product", "entity_id": "s", "input_hash": A},
    ]
    return frame(spark, embeddings.ENTITY_INPUTS, rows).drop("changed")


def said(spark: SparkSession, revision: str, since: str, **vectors: list[float]) -> DataFrame:
    """Answers of one revision, by the first letter of the hash."""
    rows = [{"model_revision": revision, "input_hash": letter * 64, "vector": vector} for letter, vector in vectors.items()]
    return frame(spark, answers.EMBEDDINGS, rows).withColumn("since", F.lit(since))


def unit(*numbers: float) -> list[float]:
    """The vector of length 1 in the direction."""
    found: list[float] = (np.array(numbers) / np.linalg.norm(numbers)).tolist()
    return found


def test_what_changed_is_said_anew_and_all_on_the_first_day_of_a_model(spark: SparkSession) -> None:
    vectors = {"a": unit(1, 0), "b": unit(0, 1), "c": unit(1, 1)}
    rows = pins(inputs(spark), said(spark, OLD, "2026-01-01", **vectors), DAYS).collect()
    assert sorted((r.ds, r.pin_id, r.deleted, r.refused) for r in rows) == [
        ("2026-01-05", "changed", False, None),
        ("2026-01-06", "left", True, None),
        ("2026-01-06", "unasked", False, "it was not asked about"),
    ]
    (changed,) = (r for r in rows if r.pin_id == "changed")
    assert np.frombuffer(changed.vector, "<f2").tolist() == [0.0, 1.0]
    again = pins(inputs(spark), said(spark, NEW, "2026-01-06", **vectors), DAYS).collect()
    assert sorted((r.ds, r.pin_id) for r in again if r.refused is None and not r.deleted) == [
        ("2026-01-05", "changed"),
        ("2026-01-06", "changed"),
        ("2026-01-06", "stood"),
    ], "a model that begins on a day says all that lives then anew"


@pytest.mark.parametrize(
    ("revision", "vector", "then", "wanted"),
    [
        (OLD, unit(0, 1), unit(0.1, 1), None),
        (OLD, unit(0, 1), unit(1, 0), "mean cosine of vectors that changed with those that they were, of the same model: 0; usual is 0.5"),
        (NEW, unit(0, 1), unit(1, 0), None),
        (OLD, [0.5, 0.5], unit(0, 1), "1 row have a vector that is not finite or not of length 1"),
        (OLD, [float("nan"), 1.0], unit(0, 1), "1 row have a vector that is not finite or not of length 1"),
    ],
)
def test_a_wrong_vector_stops_the_publication_and_another_model_is_not_compared(
    spark: SparkSession, tmp_path: Path, revision: str, vector: list[float], then: list[float], wanted: str | None
) -> None:
    """Two nights of one pin, of which what is read changes in the second."""
    store, pin = Store(spark, str(tmp_path)), job("pin_embeddings")
    rows = [{"ds": f"2026-01-0{5 + n}", "entity_type": "pin", "entity_id": "p", "input_hash": letter * 64} for n, letter in enumerate("ab")]
    read = frame(spark, embeddings.ENTITY_INPUTS, rows).drop("changed")
    first, second = said(spark, OLD, "2026-01-01", a=then), said(spark, revision, "2026-01-01", b=vector)
    for n, answered in enumerate((first, second)):
        days = Days(rows[n]["ds"], rows[n]["ds"])
        own = store.frame(embeddings.PINS) if n else frame(spark, embeddings.PINS, [])
        built = pins(read.where(F.col("ds") == days.first), answered, days)
        rows_of_step = published_form(pin, built, own.drop("changed"), days)
        step = Step(pin.name, embeddings.PINS, days)
        if n and wanted:
            with pytest.raises(Refused, match=re.escape(wanted)):
                publish(store, f"run_{n}", step, rows_of_step)
        else:
            publish(store, f"run_{n}", step, rows_of_step)
    stored = store.frame(embeddings.PINS)
    assert stored.count() == (1 if wanted else 2)
    assert "was" not in stored.columns


def test_questions_are_asked_once_and_find_what_is_read(spark: SparkSession) -> None:
    head = frame(spark, embeddings.HEAD_QUERIES, [{"ds": "2026-01-05", "query": "lamp", "input_hash": "e" * 64}]).drop("changed")
    later = build(inputs(spark), head, Days("2026-01-06", "2026-01-06")).collect()
    assert {r.input_hash[0] for r in later} == {"a", "b", "d", "e"}, "what was replaced or left before is not asked about"
    asked = build(inputs(spark), head, Days("2026-01-04", "2026-01-06"))
    assert sorted({(r.input_hash[0], r.query) for r in asked.collect()}, key=str) == [
        ("a", None),
        ("b", None),
        ("c", None),
        ("d", None),
        ("e", "lamp"),
    ]
    chunk = asked.select("input_hash", "query").distinct()
    found = {r.input_hash[0]: (r.query, r.title) for r in payload(chunk, inputs(spark)).collect()}
    assert found == {"a": (None, None), "b": (None, "lamp"), "c": (None, None), "d": (None, None), "e": ("lamp", None)}
    rows = queries(head, said(spark, OLD, "2026-01-01", e=unit(1, 2)), DAYS).collect()
    assert [(r.query, r.refused) for r in rows] == [("lamp", None)]
