"""Counts in a fixed memory: never too few, seldom too many."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.count_min import CountMin


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=80), st.integers(4, 64), st.integers(1, 5))
def test_a_count_is_never_too_small_and_exact_for_one_id(ids: list[int], width: int, depth: int) -> None:
    sketch = CountMin(width, depth)
    given_ids = torch.tensor(ids)
    sketch.add(given_ids)
    assert int(sketch.seen) == len(ids)
    for one, count in zip(ids, sketch.of(given_ids).tolist(), strict=True):
        assert ids.count(one) <= count <= len(ids)
    alone = CountMin(width, depth)
    alone.add(torch.tensor([ids[0]] * 3))
    assert alone.of(torch.tensor([ids[0]])).tolist() == [3]


def test_collisions_add_no_more_than_the_width_allows() -> None:
    luck = np.random.default_rng(7)
    ids = torch.from_numpy(luck.integers(-(2**63), 2**63 - 1, 4_000))
    counts = torch.from_numpy(luck.zipf(1.5, 4_000).clip(1, 200))
    sketch = CountMin(width=1_024, depth=4)
    sketch.add(ids.repeat_interleave(counts)[torch.randperm(int(counts.sum()), generator=torch.Generator().manual_seed(1))])
    over = sketch.of(ids) - counts
    assert int(over.min()) >= 0
    assert float((over > math.e / 1_024 * float(counts.sum())).float().mean()) <= math.exp(-4)
    narrow = CountMin(width=16, depth=1)
    narrow.add(ids)
    assert int(narrow.of(ids).min()) > 100, "sixteen counters cannot tell four thousand ids apart: the test above can fail"


def test_neighbouring_ids_do_not_meet_more_often_than_others() -> None:
    for ids in (torch.arange(2_000), torch.arange(2_000) << 32, torch.arange(2_000) * 1_024):
        places = CountMin(width=1_024, depth=3).places(ids)
        for row in places.T:
            used = int((torch.bincount(row, minlength=1_024) > 0).sum())
            assert used > 700, "about as many as chance fills, 1 024 (1 - exp(-2 000 / 1 024)) = 879, or more evenly"


def test_counts_are_part_of_a_checkpoint() -> None:
    first, second = CountMin(32, seed=3), CountMin(32, seed=3)
    first.add(torch.tensor([5, 5, 6]))
    second.load_state_dict(first.state_dict())
    assert second.of(torch.tensor([5, 6, 7])).tolist() == first.of(torch.tensor([5, 6, 7])).tolist()
