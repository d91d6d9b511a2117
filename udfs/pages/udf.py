"""The operator that reads pages on executors: rows with a body in, the same rows with what the page says out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from udfs.children.pool import Answer, Parser, of_this_process
from udfs.children.strings import readable
from udfs.pages.guard import Limits

FIELDS = ("title", "description", "main_text", "language", "encoding", "status")
PARSER = "udfs.pages.extract:page_text"


def read_pages(pages: DataFrame, limits: Limits, parser: str = PARSER, children: int = 1) -> DataFrame:
    """The rows of `pages` (`url`, `body` and any others) with `FIELDS` and `refused` in place of body, all null for a row without a body.

    An operator rather than a column: Spark may evaluate a column twice for a row, but not an operator.
    """
    kept = [field for field in pages.schema if field.name != "body"]
    said = [T.StructField(name, T.StringType()) for name in (*FIELDS, "refused")]
    return pages.mapInArrow(partial(_answered, limits=limits, parser=parser, children=children), T.StructType([*kept, *said]))


def _answered(batches: Iterable[pa.RecordBatch], limits: Limits, parser: str, children: int) -> Iterator[pa.RecordBatch]:
    """The batches with the answers in place of the bodies."""
    pool = of_this_process(Parser(parser, "page"), limits, children)
    for batch in batches:
        urls, bodies = batch.column("url"), batch.column("body")
        rows = [row for row in range(batch.num_rows) if bodies[row].is_valid]
        # One page at a time is copied out of the batch.
        found = dict(zip(rows, pool.read((readable(urls[row]) or "", bodies[row].as_py()) for row in rows), strict=True))
        answers = [found.get(row) for row in range(batch.num_rows)]
        columns = {name: batch.column(name) for name in batch.schema.names if name != "body"}
        columns |= {name: pa.array([_said(answer, name) for answer in answers], pa.string()) for name in FIELDS}
        columns["refused"] = pa.array([answer.refused if answer else None for answer in answers], pa.string())
        yield pa.RecordBatch.from_pydict(columns)


def _said(answer: Answer | None, name: str) -> str | None:
    """One field of an answer."""
    value = answer.found.get(name) if answer and answer.found else None
    return value if isinstance(value, str) else None
