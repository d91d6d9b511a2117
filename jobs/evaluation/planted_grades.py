"""A teacher's labels against the planted truth of a sample lake: also for topics and languages that no rater ever saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.evaluation.relevance import Graded, System, measured
from jobs.evaluation.teacher import LEAST
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


def planted(rows: DataFrame, truth: DataFrame, key: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """(query, columns..., level, labelled_topic, labelled_language) of labelled pairs: what a perfect rater would have said of them.

    `rows`: with query, entity_type, entity_id, the columns, and a key by whose hash they are chosen where they are too many.
    """
    names = ("topic", "object", "color", "style")
    asked = truth.where(F.col("entity_type") == "query").withColumn("query", normalised_query("entity_id"))
    asked = asked.dropDuplicates(["query"]).select("query", "labelled_topic", *(F.col(n).alias(f"q_{n}") for n in names))
    shown = truth.where(F.col("entity_type") != "query").select("entity_type", "entity_id", F.col("language").alias("_spoken"), *names)
    rows = rows.join(asked, "query").join(shown, ["entity_type", "entity_id"])
    rows = rows.orderBy(F.xxhash64(*key), *key).limit(MOST)
    return rows.select(
        "query",
        *columns,
        grade(Subject.of("q_"), Subject.of("")).alias("level"),
        "labelled_topic",
        (F.col("_spoken") == _RATED_LANGUAGE).alias("labelled_language"),
    ).toArrow()  # at most MOST rows


def evaluated(rows: pa.Table, systems: Mapping[str, System], lead: str) -> dict[str, Any]:
    """{lead, pairs, queries, systems, differences, slices} as jobs/evaluation/teacher.py has them; slices are of the system `lead`."""
    graded = graded_pairs(rows)
    found: dict[str, Any] = {"lead": lead, "differences": {}, "slices": {}}
    found |= {"pairs": len(graded), "queries": len(np.unique(graded.query))}
    found["systems"] = {name: measured(graded, one) for name, one in systems.items()}
    for name, places in parts(rows).items():
        if places.sum() >= LEAST:
            found["slices"][name] = measured(graded_pairs(rows.filter(pa.array(places))), some(systems[lead], places), resampled=200)
    return found


def parts(rows: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
    """Which pairs are of topics and languages that raters saw, and which are not."""
    found = {}
    for name, (topic, language) in _PARTS.items():
        places = np.ones(len(rows), bool)
        for column, wanted in (("labelled_topic", topic), ("labelled_language", language)):
            if wanted is not None:
                places &= rows[column].to_numpy(zero_copy_only=False).astype(bool) == wanted
        found[name] = places
    return found


def graded_pairs(rows: pa.Table) -> Graded:
    """What a perfect rater would have said."""
    query = rows["query"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return Graded(query, rows["level"].to_numpy().astype(np.int64), 1, 5)


def told(probabilities: pa.ChunkedArray) -> System:
    """Stored probabilities of the five grades as a system."""
    return said(np.asarray(probabilities.combine_chunks().flatten(), np.float64).reshape(-1, 5))


def said(probabilities: npt.NDArray[np.float64]) -> System:
    """Probabilities of the five grades, (n, 5), as a system."""
    return System(probabilities @ np.arange(1, 6), probabilities)


def some(system: System, places: npt.NDArray[np.bool_]) -> System:
    """What a system says of some of the pairs."""
    return System(system.score[places], None if system.probabilities is None else system.probabilities[places])
