"""Pairs to start from: three kinds in their shares, near ones near, the same for the same vectors."""

from __future__ import annotations

import numpy as np

from models.warm_pairs import NEAREST, formed


def vectors(n: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_known_near_and_strange_pairs_have_their_shares() -> None:
    queries, texts = vectors(30, 1), vectors(2_000, 2)
    known = [(q, q * 50 + n) for q in range(30) for n in range(40)]
    found = formed(known, queries, texts, 2_000, seed=5)
    assert found.shape == (2_000, 2)
    assert {tuple(pair) for pair in found[:800]} <= set(known)
    assert len({tuple(pair) for pair in found[:800]}) == 800, "known pairs are drawn once"
    similar = queries @ texts.T
    floor = np.sort(similar, axis=1)[:, -NEAREST]
    near, strange = found[800:1_400], found[1_400:]
    assert (similar[near[:, 0], near[:, 1]] >= floor[near[:, 0]] - 1e-6).all()
    assert np.mean(similar[strange[:, 0], strange[:, 1]] >= floor[strange[:, 0]]) < 0.1
    assert (formed(known, queries, texts, 2_000, seed=5) == found).all()
    assert (formed(known, queries, texts, 2_000, seed=6) != found).any()


def test_few_texts_and_few_known_pairs_are_made_up_for_by_the_others() -> None:
    found = formed([(0, 0), (0, 1)], vectors(1, 1), vectors(3, 2), 20, seed=5)
    assert found.shape == (20, 2)
    assert set(found[:, 1]) == {0, 1, 2}
