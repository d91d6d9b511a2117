"""Nearest neighbours block by block are those of all at once."""

from __future__ import annotations

import numpy as np
import pytest

from models.nearest import hits, nearest


def test_blocks_find_what_a_plain_sort_finds() -> None:
    luck = np.random.default_rng(1)
    queries, candidates = luck.normal(size=(7, 5)).astype(np.float32), luck.normal(size=(50, 5)).astype(np.float32)
    scores, places = nearest(queries, candidates, 10, block=16)
    plain = queries @ candidates.T
    order = np.argsort(-plain, axis=1)[:, :10]
    assert (places == order).all()
    assert scores == pytest.approx(np.take_along_axis(plain, order, 1), abs=1e-5)
    assert hits(queries, candidates, order[:, 9], 10).all()
    assert not hits(queries, candidates, np.argsort(-plain, axis=1)[:, 10], 10).any()


def test_fewer_candidates_than_wanted_leave_places_empty() -> None:
    scores, places = nearest(np.ones((2, 3), np.float32), np.ones((1, 3), np.float32), 2)
    assert places.tolist() == [[0, -1], [0, -1]]
    assert scores[:, 1].tolist() == [-np.inf, -np.inf]
