"""Strings of Spark as Python's: Spark's may hold any bytes."""

from __future__ import annotations

import pyarrow as pa


def readable(text: pa.Scalar) -> str | None:
    """The string of an Arrow scalar, what is no UTF-8 in it replaced; None for null."""
    return text.as_buffer().to_pybytes().decode("utf-8", "replace") if text.is_valid else None
