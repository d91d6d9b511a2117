"""Embeddings of entities are kept as they arrive; those of queries stay where rare ones may be."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from jobs.students.entity_embeddings import build
from schemas import raw
from tests.replay import frame


def row(ds: str, kind: str, name: str, value: float) -> dict[str, Any]:
    """A row of raw.entity_embeddings."""
    return {"ds": ds, "entity_type": kind, "entity_id": "e", "name": name, "vector": [value] * 256}


def test_a_second_row_of_a_day_is_refused_and_queries_are_left_out(spark: SparkSession) -> None:
    rows = [
        row("2026-01-05", "pin", "pinsage", 1.0),
        row("2026-01-05", "pin", "searchsage", 1.0),
        row("2026-01-05", "pin", "searchsage", 2.0),
        row("2026-01-06", "pin", "pinsage", 3.0),
        row("2026-01-05", "query", "searchsage", 1.0),
    ]
    found = build(frame(spark, raw.ENTITY_EMBEDDINGS, rows)).collect()
    good = sorted((r.ds, r.entity_type, r.name, r.vector[0]) for r in found if r.refused is None)
    assert good == [("2026-01-05", "pin", "pinsage", 1.0), ("2026-01-05", "pin", "searchsage", 1.0), ("2026-01-06", "pin", "pinsage", 3.0)]
    assert [r.refused for r in found if r.refused] == ["entity_type, entity_id, name repeated on the day"]
