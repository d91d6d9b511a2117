"""Vectors of the sample lake: they depend on the row alone, and near subjects are near."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from udfs.sample_media import BITS, DIMENSIONS, subject_bits, subject_vector

SPACE, OTHER_SPACE = 1234567, -98765


def _columns(rows: list[tuple[int | None, ...]]) -> list[pa.Array]:
    return [pa.array(column, pa.int64()) for column in zip(*rows, strict=True)]


def _vectors(rows: list[tuple[int | None, ...]]) -> np.ndarray:
    return np.array(subject_vector.func(*_columns(rows)).to_pylist(), dtype=np.float64)


def test_a_vector_is_the_same_alone_and_in_any_batch_and_order() -> None:
    rows: list[tuple[int | None, ...]] = [
        (SPACE if n % 3 else OTHER_SPACE, n * 7_777_777_777 - 5, n % 12, n % 36, None if n % 5 else n % 8, n % 4) for n in range(101)
    ]
    whole, backwards = _vectors(rows), _vectors(rows[::-1])
    assert whole.shape == (101, DIMENSIONS)
    assert np.array_equal(whole, backwards[::-1])
    assert all(np.array_equal(_vectors([row])[0], whole[n]) for n, row in enumerate(rows[:20]))
    assert np.allclose((whole**2).sum(axis=1), 1, atol=1e-6)


def test_the_same_subject_is_near_in_one_space_and_far_across_two() -> None:
    same, near, far, across = _vectors(
        [(SPACE, 1, 2, 7, 3, 1), (SPACE, 2, 2, 7, 3, 1), (SPACE, 3, 5, 15, 6, 2), (OTHER_SPACE, 4, 2, 7, 3, 1)]
    )
    assert same @ near > 0.5
    assert abs(same @ far) < 0.3
    assert abs(same @ across) < 0.3


def test_bits_are_1024_and_agree_more_for_the_same_object() -> None:
    files = subject_bits.func(*_columns([(SPACE, 1, 2, 7, 3, 1), (SPACE, 2, 2, 7, 3, 1), (SPACE, 3, 5, 15, 6, 2)])).to_pylist()
    same, near, far = (np.unpackbits(np.frombuffer(data, dtype=np.uint8)) for data in files)
    assert {len(bits) for bits in (same, near, far)} == {BITS}
    assert (same == near).mean() > 0.65 > 0.58 > (same == far).mean()
