from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from jobs.pins.pins import build
from schemas import raw, state
from tests.replay import frame


def test_every_field_of_an_update_is_in_the_state_of_the_pin(spark: SparkSession) -> None:
    update: dict[str, Any] = {name: f"a {name}" for name in state.PINS.values} | {"ds": "2026-01-01", "pin_id": "p", "deleted": None}
    (row,) = build(frame(spark, raw.PIN_UPDATES, [update])).collect()
    assert row.asDict() == {**update, "deleted": False, "refused": None, "refused_key": None}
