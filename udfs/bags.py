"""Tokens of texts counted on executors, a few hundred rows of Arrow at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from models.bags import grams

ROWS = 500
"""Entities whose fields are cut at a time: their characters, four bytes each, and their tokens are held together."""
_COUNTS = "gram string, token string, n bigint"
_SCHEMA = pa.schema([("gram", pa.string()), ("token", pa.string()), ("n", pa.int64())])


def token_counts(texts: DataFrame) -> DataFrame:
    """(gram, token, n): how often each token comes in the texts, all of whose columns are such; not yet summed over partitions."""
    return texts.mapInArrow(_counted, _COUNTS)


def _counted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, len(batch), ROWS):
            part = batch.slice(start, ROWS)
            for gram, found in grams(pa.concat_arrays(part.columns)).items():
                counts = pc.value_counts(found.tokens)
                columns = [pa.array([gram] * len(counts)), counts.field("values"), counts.field("counts")]
                yield pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)
