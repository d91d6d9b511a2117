"""Columns of Arrow as numpy arrays, a whole batch at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def array_of(chunk: pa.Array, width: int | None = None) -> Any:
    """A column's chunk as a numpy array: (n,), or (n, width) of vectors, nan where null; of strings and all else as it is.

    Where nothing is null it is a view of the chunk, not to be written to. `width` as in `vectors_of`, and so is what it raises.
    """
    kind = chunk.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return vectors_of(chunk, width) if pa.types.is_floating(kind.value_type) else chunk
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return numbers_of(chunk)
    return chunk


def numbers_of(chunk: pa.Array) -> npt.NDArray[Any]:
    """Numbers of one chunk, (n,), as they are stored; whole numbers among which one is null as floats."""
    found: npt.NDArray[Any] = chunk.to_numpy(zero_copy_only=False)
    return found


def vectors_of(column: pa.ChunkedArray | pa.Array, width: int | None = None) -> npt.NDArray[np.floating]:
    """A column of lists of numbers as (rows, width), nan where a list or one of its numbers is null.

    `width`: of all lists where it is known, else that of the first. ValueError where a list has another. Of one chunk in which nothing is
    null it is a view, not to be written to.
    """
    chunks = [chunk for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column]) if len(chunk)]
    widths = {int(w) for chunk in chunks for w in np.unique(numbers_of(chunk.value_lengths().drop_null()))}
    if len(widths) > 1 or (width is not None and widths - {width}):
        raise ValueError(f"vectors of {', '.join(map(str, sorted(widths)))} numbers, {width or 'one width'} is wanted")
    width = widths.pop() if width is None and widths else width or 0
    kind = np.float64 if chunks and chunks[0].type.value_type == pa.float64() else np.float32
    if len(chunks) == 1 and not chunks[0].null_count and width:
        return numbers_of(chunks[0].flatten()).reshape(-1, width).astype(kind, copy=False)
    found = np.full((sum(map(len, chunks)), width), np.nan, kind)
    start = 0
    for chunk in chunks:
        values = numbers_of(chunk.flatten()).reshape(-1, width) if width else np.zeros((0, 0), kind)
        where = found[start : start + len(chunk)]
        if chunk.null_count:
            where[numbers_of(chunk.is_valid())] = values
        else:
            where[:] = values
        start += len(chunk)
    return found


def packed(vectors: pa.Array) -> pa.Array:
    """Lists of numbers as binary: fp16, little-endian, one behind another; null for null, and 0 bytes for an empty list."""
    flat = np.ascontiguousarray(numbers_of(vectors.flatten()), dtype="<f2")
    sizes = numbers_of(vectors.value_lengths().fill_null(0))
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]) * 2
    found = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(vectors), [None, pa.py_buffer(offsets), pa.py_buffer(flat)])
    return pc.if_else(vectors.is_null(), pa.scalar(None, pa.large_binary()), found).cast(pa.binary())


def halves_of(column: pa.Array) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64]]:
    """(numbers of all rows, where each row's begin and the last one's end) of fp16 as `packed` writes it; a null row has none.

    ValueError where a row has an odd number of bytes.
    """
    data, offsets = bytes_of(column)
    if (offsets % 2).any():
        raise ValueError("a row of an odd number of bytes holds no numbers of two bytes")
    return data.view("<f2"), offsets // 2


def bytes_of(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """(bytes of all rows, where each row's begin and the last one's end) of a binary column; a null row has none."""
    whole = column.cast(pa.large_binary()).fill_null(b"")
    offsets = (
        np.frombuffer(whole.buffers()[1], np.int64)[whole.offset : whole.offset + len(whole) + 1] if len(whole) else np.zeros(1, np.int64)
    )
    data = np.frombuffer(whole.buffers()[2], np.uint8) if whole.buffers()[2] is not None else np.zeros(0, np.uint8)
    return data[offsets[0] : offsets[-1]], offsets - offsets[0]


def singles_of(column: pa.Array) -> npt.NDArray[np.float32]:
    """The vectors of a column of fp16 in binary, all of one width and none missing, as fp32: (n, width)."""
    return halves_of(column)[0].reshape(len(column), -1).astype(np.float32)
