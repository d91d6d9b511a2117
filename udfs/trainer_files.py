"""Parquet files as the authors' public trainer of OmniSearchSage reads them, written by executors: types that Spark does not write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame

from models.columns import bytes_of
from schemas.embeddings import BITS, FIELDS, WIDTH

VECTOR, BYTES = pa.list_(pa.float32(), WIDTH), pa.binary(BITS // 8)
_ROWS = 2_000


def written(rows: DataFrame, kind: str, folder: str) -> DataFrame:
    """(n): how many rows each file has; the rows as files of the folder, which all executors see.

    `kind`: pin or product, with NAMES, VECTORS and `key`, and `query` where the rows are pairs; or query, with `query` and `cand_query`.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    return rows.mapInArrow(partial(_written, kind=kind, folder=folder), "n bigint")


def _written(batches: Iterable[pa.RecordBatch], kind: str, folder: str) -> Iterator[pa.RecordBatch]:
    """One file a partition, which a task that is tried again replaces; none where there are no rows."""
    made = {"pin": _pins, "product": _products, "query": _queries}[kind]
    task: Any = TaskContext.get()
    path, rows, writer = Path(folder) / f"part-{task.partitionId():05d}.parquet", 0, None
    unfinished = path.with_name(f".{path.name}.{task.taskAttemptId()}")
    for batch in batches:
        for start in range(0, len(batch), _ROWS):
            part = batch.slice(start, _ROWS)
            table = pa.table(made({name: part.column(name) for name in part.schema.names}))
            writer = writer or pq.ParquetWriter(unfinished, table.schema)
            writer.write_table(table)
            rows += len(part)
    if writer is not None:
        writer.close()
        unfinished.replace(path)
    yield pa.RecordBatch.from_arrays([pa.array([rows], pa.int64())], names=["n"])


def _queries(given: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    return {"query_text": _text(given["query"]), "cand_query_text": _text(given["cand_query"])}


def _pins(given: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    return {
        **_named(given),
        "gs_v5": _first(given["graphs"], VECTOR),
        "item_is_v2": _first(given["item"], VECTOR),
        "ue_v4": _first(given["visuals"], BYTES),
        **{field.pin: _text(given[field.name]) for field in FIELDS},
    }


def _products(given: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    return {
        **_named(given),
        "gs_v5_feat": _all(given["graphs"], VECTOR),
        "ue_v4_feat": _all(given["visuals"], BYTES),
        "item_is_v2": _first(given["item"], VECTOR),
        **{field.product: _text(given[field.name]) for field in FIELDS},
    }


def _named(given: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The query of a pair, and the entity's key."""
    pair = {"query_text": _text(given["query"])} if "query" in given else {}
    return {**pair, "key": _text(given["key"])}


def _text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()).fill_null("")


def _first(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The first vector of each row; zeros where it has none."""
    values, counts = _vectors(column, kind)
    places = np.where(counts > 0, np.cumsum(counts) - counts, len(values))
    return pa.concat_arrays([values, _zero(kind)]).take(pa.array(places))


def _all(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """All vectors of each row as a list, of one that has none a list of one of zeros."""
    values, counts = _vectors(column, kind)
    held = np.maximum(counts, 1)
    starts = np.cumsum(held) - held
    places = np.full(int(held.sum()), len(values))
    own = np.repeat(starts, counts) + np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    places[own] = np.arange(len(values))
    offsets = np.append(starts, held.sum()).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.concat_arrays([values, _zero(kind)]).take(pa.array(places)))


def _vectors(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """(the vectors of all rows, how many each row has)."""
    data, offsets = bytes_of(column)
    size = WIDTH * 2 if kind == VECTOR else BITS // 8
    counts = np.diff(offsets) // size
    if kind == VECTOR:
        return pa.FixedSizeListArray.from_arrays(pa.array(data.view("<f2").astype(np.float32)), WIDTH), counts
    return pa.FixedSizeBinaryArray.from_buffers(BYTES, len(data) // size, [None, pa.py_buffer(np.ascontiguousarray(data))]), counts


def _zero(kind: pa.DataType) -> pa.Array:
    return pa.array([[0.0] * WIDTH], kind) if kind == VECTOR else pa.array([bytes(BITS // 8)], kind)
