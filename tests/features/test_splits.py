from __future__ import annotations

from collections import Counter

import pytest
from pyspark.sql import functions as F

from features.splits import split


def test_parts_have_their_shares_and_depend_on_the_query_and_the_seed_alone(spark):
    rows = spark.range(20_000).select((F.col("id") % 10_000).cast("string").alias("query"))
    rows = rows.select("query", split(F.col("query"), 5, 0.1, 0.2).alias("a"), split(F.col("query"), 6, 0.1, 0.2).alias("b")).collect()
    found = Counter(row.a for row in rows)
    assert {name: found[name] / len(rows) for name in found} == pytest.approx({"train": 0.7, "validation": 0.1, "test": 0.2}, abs=0.02)
    assert len({(row.query, row.a) for row in rows}) == 10_000, "a query is in one part"
    assert sum(row.a != row.b for row in rows) > 5_000


def test_no_share_leaves_the_part_empty(spark):
    rows = spark.range(1_000).select(split(F.col("id").cast("string"), 5, 0.0, 0.0).alias("part")).distinct().collect()
    assert [row.part for row in rows] == ["train"]
