"""Vectors as fp16 in binary: inner products of whole batches."""

from __future__ import annotations

import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def halves(*numbers: float) -> bytes:
    return np.array(numbers, "<f2").tobytes()


def test_inner_products_are_those_of_the_numbers_and_null_where_there_is_none(spark: SparkSession) -> None:
    luck = np.random.default_rng(1)
    vectors = luck.standard_normal((40, 2, 8)).astype("<f2")
    rows = [(n, a.tobytes(), b.tobytes()) for n, (a, b) in enumerate(vectors)]
    odd = [
        (100, None, halves(1)),
        (101, halves(1), None),
        (102, halves(1, 2), halves(1)),
        (103, halves(3, 4), halves(3, 4)),
        (104, b"", b""),
        (105, halves(float("nan")), halves(1)),
    ]
    frame = spark.createDataFrame(rows + odd, "n int, a binary, b binary")
    found = {row.n: row.dot for row in frame.select("n", F.expr("dot_of(a, b)").alias("dot")).collect()}
    wanted = (vectors[:, 0].astype(np.float32) * vectors[:, 1]).sum(axis=1)
    assert np.abs(np.array([found[n] for n in range(40)]) - wanted).max() < 1e-5
    assert {n: found[n] for n in (100, 101, 102, 103, 104)} == {100: None, 101: None, 102: None, 103: 25.0, 104: None}
    assert np.isnan(found[105])
