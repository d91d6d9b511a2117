"""Vectors in columns of Spark: as little-endian fp16, and back; whole batches of Arrow at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DoubleType, FloatType

from models.columns import halves_of, packed


def _unpacked(halves: pa.Array) -> pa.Array:
    numbers, offsets = halves_of(halves)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(numbers.astype(np.float32)), mask=halves.is_null())


_pack = F.arrow_udf(packed, BinaryType())  # type: ignore[attr-defined]  # missing in the stubs only
_unpack = F.arrow_udf(_unpacked, ArrayType(FloatType()))  # type: ignore[attr-defined]


def _products(left: pa.Array, right: pa.Array) -> pa.Array:
    (a, begin_a), (b, begin_b) = halves_of(left), halves_of(right)
    widths = np.where(np.diff(begin_a) == np.diff(begin_b), np.diff(begin_a), 0)  # 0: null, or vectors of two widths
    found = np.zeros(len(widths))
    for width in np.unique(widths[widths > 0]):
        rows = np.flatnonzero(widths == width)
        at = np.arange(width)
        numbers = (one[begin[rows][:, None] + at].astype(np.float32) for one, begin in ((a, begin_a), (b, begin_b)))
        found[rows] = np.einsum("ij,ij->i", *numbers)
    return pa.array(found, mask=widths == 0)


_dot = F.arrow_udf(_products, DoubleType())  # type: ignore[attr-defined]


SQL = {"vector_of": _unpack, "dot_of": _dot}
"""Functions of SQL by name: what `as_halves` made as array<float>; the inner product of two such, null where one is null or they differ in
width."""


def as_halves(vector: Column) -> Column:
    """array<float> as binary: its numbers as fp16, little-endian; null for null."""
    found: Column = _pack(vector)
    return found


def as_floats(halves: Column) -> Column:
    """What `as_halves` made as array<float>; null for null."""
    found: Column = _unpack(halves)
    return found
