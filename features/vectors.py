"""What an encoder is asked by: a text in a role."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

QUERY, DOCUMENT = "query", "document"
"""Roles: an encoder may read queries and what they look for differently."""


def vector_hash(role: Column, text: Column) -> Column:
    """The key of a text's vector: sha256 over role and text, hex."""
    return F.sha2(F.concat_ws("\x1f", role, text), 256)
