"""A teacher's labels against the planted truth of a sample lake: also for topics and languages that no rater ever saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.evaluation.relevance import Graded, System, measured
from jobs.evaluation.teacher import LEAST, TEACHER
from jobs.sample.relevance import Subject, grade
from udfs.queries import normalised_query

MOST = 20_000
"""Pairs that are compared at most, taken by the hash of their keys."""
_RATED_LANGUAGE = "en"
_PARTS = {
    "labelled topic": (True, None),
    "unlabelled topic": (False, None),
    "labelled language": (None, True),
    "unlabelled language": (None, False),
    "labelled topic and language": (True, True),
    "unlabelled topic and language": (False, False),
}


def planted(scores: DataFrame, truth: DataFrame) -> pa.Table:
    """(query, probabilities, level, labelled_topic, labelled_language) of scored pairs: what a perfect rater would have said of them."""
    names = ("topic", "object", "color", "style")
    asked = truth.where(F.col("entity_type") == "query").withColumn("query", normalised_query("entity_id"))
    asked = asked.dropDuplicates(["query"]).select("query", "labelled_topic", *(F.col(n).alias(f"q_{n}") for n in names))
    shown = truth.where(F.col("entity_type") != "query").select("entity_type", "entity_id", "language", *names)
    rows = scores.drop("language").join(asked, "query").join(shown, ["entity_type", "entity_id"])
    rows = rows.orderBy(F.xxhash64("request_key"), "request_key").limit(MOST)
    return rows.select(
        "query",
        "probabilities",
        grade(Subject.of("q_"), Subject.of("")).alias("level"),
        "labelled_topic",
        (F.col("language") == _RATED_LANGUAGE).alias("labelled_language"),
    ).toArrow()  # at most MOST rows


def evaluated(rows: pa.Table) -> dict[str, Any]:
    """{pairs, queries, systems, differences, slices} as jobs/evaluation/teacher.py has them, the teacher's alone."""
    found: dict[str, Any] = {"differences": {}, "slices": {}}
    graded, system = _told(rows)
    found |= {"pairs": len(graded), "queries": len(np.unique(graded.query)), "systems": {TEACHER: measured(graded, system)}}
    for name, (topic, language) in _PARTS.items():
        part = rows
        for column, wanted in (("labelled_topic", topic), ("labelled_language", language)):
            if wanted is not None:
                part = part.filter(pc.equal(part[column], wanted))
        if len(part) >= LEAST:
            found["slices"][name] = measured(*_told(part), resampled=200)
    return found


def _told(rows: pa.Table) -> tuple[Graded, System]:
    probabilities = np.asarray(rows["probabilities"].combine_chunks().flatten(), np.float64).reshape(-1, 5)
    query = rows["query"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    graded = Graded(query, rows["level"].to_numpy().astype(np.int64), 1, 5)
    return graded, System(probabilities @ np.arange(1, 6), probabilities)
