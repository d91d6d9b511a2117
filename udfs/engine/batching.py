"""How the inputs of a window become batches: each distinct input once, longest first, so many tokens to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Places = npt.NDArray[np.int64]
STEP = 4
"""Tokens within which lengths count as one where what is alike is put together: padding grows by fewer than that an input."""


class Distinct(NamedTuple):
    """Inputs told apart: `first`, the row where each stands first, in order of appearance, and `codes`, the input of each row."""

    first: Places
    codes: Places


def distinct(columns: Sequence[pa.Array]) -> Distinct:
    """The distinct inputs of rows that are told apart by these columns. A null is a value like any other."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        encoded = _plain(column).dictionary_encode(null_encoding="encode")
        own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        # Made dense again after each column, so that the numbers of many columns never overflow.
        _, codes = np.unique(codes * max(len(encoded.dictionary), 1) + own, return_inverse=True)
    _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Distinct(first[order].astype(np.int64), rank[codes].astype(np.int64))


def _plain(column: pa.Array) -> pa.Array:
    """The column as values that can be told apart: lists of numbers as their bytes, a null number among them as nan."""
    if not pa.types.is_nested(column.type):
        return column
    numbers = column.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32) * numbers.itemsize
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(numbers))]
    told = pa.Array.from_buffers(pa.binary(), len(column), buffers)
    return pc.if_else(column.is_valid(), told, pa.scalar(None, pa.binary())) if column.null_count else told


def batches(lengths: npt.NDArray[np.int32], places: Places, tokens: int, rows: int, alike: Places | None = None) -> list[Places]:
    """The places cut into batches, longest first: a batch's rows times its longest are at most `tokens`, its rows at most `rows`.

    `lengths` holds the tokens of every input, `places` those to be run. An input longer than the budget is a batch by itself. Inputs with
    equal numbers in `alike` stand together among those of about the same length.
    """
    if alike is None:
        order = places[np.argsort(-lengths[places], kind="stable")]
    else:
        lengths = -(-lengths // STEP) * STEP
        order = places[np.lexsort((alike[places], -lengths[places]))]
    found = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        end = start + max(1, min(rows, tokens // longest))
        found.append(order[start:end])
        start = end
    return found


def restored(answers: Sequence[pa.Array], ran: Sequence[Places], inputs: int, kind: pa.DataType) -> pa.Array:
    """One answer an input, from the answers batch by batch; null where an input was in no batch."""
    if not ran:
        return pa.nulls(inputs, kind)
    where = np.full(inputs, -1, dtype=np.int64)
    order = np.concatenate(ran)
    where[order] = np.arange(len(order))
    joined = pa.concat_arrays([_cast(answer, kind) for answer in answers])
    return pc.take(joined, pa.array(where, mask=where < 0))


def _cast(answer: pa.Array, kind: pa.DataType) -> pa.Array:
    return answer if answer.type == kind else answer.cast(kind)
