from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession

from features.updates import states
from schemas import raw, state
from tests.replay import frame


def test_updates_become_states_and_what_cannot_is_refused_with_its_reason(spark: SparkSession) -> None:
    day, next_day = "2026-01-01", "2026-01-02"
    updates: list[dict[str, Any]] = [
        {"ds": day, "pin_id": "once", "title": "a"},
        {"ds": next_day, "pin_id": "once", "title": "b"},
        {"ds": day, "pin_id": "same", "title": "a", "deleted": False},
        {"ds": day, "pin_id": "same", "title": "a", "deleted": None},
        {"ds": day, "pin_id": "differs", "title": "b"},
        {"ds": day, "pin_id": "differs", "title": "a", "description": "kept: the smallest"},
        {"ds": day, "pin_id": "differs", "title": "c"},
        {"ds": day, "pin_id": "gone", "deleted": True},
        {"ds": day, "pin_id": None, "title": "nobody"},
    ]
    rows = states(frame(spark, raw.PIN_UPDATES, [{"deleted": None, **row} for row in updates]), state.PINS).collect()

    good = sorted((row.ds, row.pin_id, row.title, row.deleted) for row in rows if row.refused is None and row.pin_id != "gone")
    assert good == [(day, "differs", "a", False), (day, "once", "a", False), (day, "same", "a", False), (next_day, "once", "b", False)]
    assert [row.deleted for row in rows if row.pin_id == "gone"] == [True]
    assert all(row.refused_key is None for row in rows if row.refused is None)
    refused = sorted((row.refused, json.loads(row.refused_key)["pin_id"] or "", row.title) for row in rows if row.refused is not None)
    assert refused == [
        ("pin_id is null", "", "nobody"),
        ("pin_id repeated on the day", "differs", "b"),
        ("pin_id repeated on the day", "differs", "c"),
    ]
