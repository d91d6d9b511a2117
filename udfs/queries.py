"""Queries as keys: one spelling for what people typed, so that the same question counts as the same query."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

LONGEST = 200
_READ = 2_000

_SPACES = r"[\s\pZ\x0b\x1c-\x1f\x{85}]+"
# Controls, soft hyphen, joiners, direction marks, fillers, byte order marks and tags: none can be seen, and each would make another key.
_UNSEEN = (
    r"[\p{Cc}\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}"
    r"\x{FEFF}\x{FFF9}-\x{FFFB}\x{E0000}-\x{E007F}]+"
)


def normalised(texts: pa.Array) -> pa.Array:
    """Texts as NFKC in lower case, single spaces, nothing unseen, at most 200 characters; nulls stay. Idempotent."""
    texts = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    texts = pc.replace_substring_regex(texts, pattern=_SPACES, replacement=" ")
    texts = pc.replace_substring_regex(texts, pattern=_UNSEEN, replacement="")
    # Lower case and what was taken out may leave characters that compose, and composing may make spaces.
    texts = pc.utf8_normalize(texts, form="NFKC")
    texts = pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_SPACES, replacement=" "), characters=" ")
    return pc.utf8_trim(pc.utf8_slice_codeunits(texts, 0, LONGEST), characters=" ")


_udf = F.arrow_udf(normalised, StringType())  # type: ignore[attr-defined]  # missing in the stubs only


def normalised_query(column: Column | str) -> Column:
    """The query in the one spelling that is a key; empty where nothing is left, null where it was null."""
    text = F.col(column) if isinstance(column, str) else column
    # Bytes that are no text would stop the batch, and no query is longer than what is read.
    found: Column = _udf(F.substring(F.make_valid_utf8(text), 1, _READ))
    return found


def normalised_searches(events: DataFrame) -> DataFrame:
    """The search events with their query normalised, and the id of an entity that is a query."""
    is_query = F.col("entity_type") == "query"
    entity = F.coalesce(normalised_query(F.when(is_query, F.col("entity_id"))), F.col("entity_id"))
    return events.withColumns({"query": normalised_query("query"), "entity_id": entity})
