"""Vectors in columns of Spark: as little-endian fp16, and back; whole batches of Arrow at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, FloatType

from models.columns import halves_of, packed


def _unpacked(halves: pa.Array) -> pa.Array:
    numbers, offsets = halves_of(halves)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(numbers.astype(np.float32)), mask=halves.is_null())


_pack = F.arrow_udf(packed, BinaryType())  # type: ignore[attr-defined]  # missing in the stubs only
_unpack = F.arrow_udf(_unpacked, ArrayType(FloatType()))  # type: ignore[attr-defined]


SQL = {"vector_of": _unpack}
"""Functions of SQL by name: what `as_halves` made as array<float>."""


def as_halves(vector: Column) -> Column:
    """array<float> as binary: its numbers as fp16, little-endian; null for null."""
    found: Column = _pack(vector)
    return found


def as_floats(halves: Column) -> Column:
    """What `as_halves` made as array<float>; null for null."""
    found: Column = _unpack(halves)
    return found
