"""Columns as arrays: vectors of one width, nan where something is null."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.columns import array_of, packed, singles_of, vectors_of


def test_vectors_of_a_known_width_have_it_where_all_are_null() -> None:
    nothing = pa.nulls(3, pa.list_(pa.float32()))
    assert vectors_of(nothing, 5).shape == (3, 5)
    assert np.isnan(vectors_of(nothing, 5)).all()
    with_null = pa.chunked_array([pa.array([[1.0, None]], pa.list_(pa.float64())), pa.array([None], pa.list_(pa.float64()))])
    assert vectors_of(with_null).tolist() == pytest.approx(np.array([[1, np.nan], [np.nan, np.nan]]), nan_ok=True)
    with pytest.raises(ValueError, match="2 numbers, 3 is wanted"):
        vectors_of(pa.array([[1.0, 2.0]]), 3)


def test_numbers_are_arrays_and_texts_stay_as_they_are() -> None:
    assert array_of(pa.array([1, 2, 3])).tolist() == [1, 2, 3]
    assert np.isnan(array_of(pa.array([1, None]))[1])
    assert array_of(pa.array(["a", None])).to_pylist() == ["a", None]
    assert array_of(pa.array([], pa.float32())).shape == (0,)
    sliced = pa.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32())).slice(1, 1)
    assert array_of(sliced).tolist() == [[1.0, 2.0]], "a part of a chunk has its own rows alone"
    assert array_of(pa.array([["a"], []])).to_pylist() == [["a"], []]


def test_vectors_of_one_width_are_read_as_a_matrix_of_fp32():
    lists = pa.array([[1.0, 2.0], [3.0, -4.5], [0.25, 0.0]], pa.list_(pa.float32()))
    found = singles_of(packed(lists).slice(1))
    assert found.dtype == np.float32
    assert found.tolist() == [[3.0, -4.5], [0.25, 0.0]]
