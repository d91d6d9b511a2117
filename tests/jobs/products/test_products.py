from __future__ import annotations

from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from jobs.products.products import build
from schemas import raw, state
from tests.replay import frame


def test_every_field_of_an_update_is_in_the_state_and_images_beyond_the_fifteenth_are_left_out(spark: SparkSession) -> None:
    values: dict[str, Any] = {c.name: [f"a {c.name}"] if c.type.startswith("array") else f"a {c.name}" for c in state.PRODUCTS.columns}
    values |= {"price": Decimal("9.50"), "image_ids": [f"i{n}" for n in range(20)]}
    bare = {"ds": "2026-01-01", "product_id": "bare", "deleted": True}
    rows = build(frame(spark, raw.PRODUCT_UPDATES, [{"ds": "2026-01-01", **values, "deleted": None}, bare])).collect()
    found = {row.product_id: row for row in rows}
    assert {name: found["a product_id"][name] for name in values} == {**values, "image_ids": [f"i{n}" for n in range(15)]}
    assert found["bare"].image_ids is None
    assert found["bare"].deleted
    assert [row.refused for row in rows] == [None, None]
