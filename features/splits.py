"""Which part of a data set a query belongs to: by the hash of its normalised text, so that a query is never in two parts."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

PARTS = 1_000


def split(query: Column, seed: int, validation: float, test: float) -> Column:
    """`test`, `validation` or `train`, by shares of all queries; `query` in the one spelling that is a key."""
    place = F.pmod(F.xxhash64(query, F.lit(seed)), F.lit(PARTS))
    return F.when(place < round(test * PARTS), "test").when(place < round((test + validation) * PARTS), "validation").otherwise("train")
