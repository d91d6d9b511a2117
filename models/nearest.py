"""Exact nearest neighbours by inner product: faiss's flat index, block by block, so that candidates need not be held twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
BLOCK = 1 << 18
"""Candidates of an index at a time."""


def nearest(queries: Floats, candidates: Floats, k: int, block: int = BLOCK) -> tuple[Floats, Ints]:
    """(scores, places) of the k candidates, (m, dim), with the largest inner product with each query, (n, dim), best first: both (n, k).

    Where there are fewer than k candidates the rest are -inf and -1.
    """
    import faiss

    scores, places = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    for start in range(0, len(candidates), block):
        index = faiss.IndexFlatIP(candidates.shape[1])
        index.add(np.ascontiguousarray(candidates[start : start + block], np.float32))
        own, at = index.search(np.ascontiguousarray(queries, np.float32), k)
        both = np.concatenate([scores, np.where(at < 0, -np.inf, own)], 1)
        best = np.argsort(-both, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(both, best, 1)
        places = np.take_along_axis(np.concatenate([places, np.where(at < 0, -1, at + start)], 1), best, 1)
    return scores, places


def hits(queries: Floats, candidates: Floats, keys: Ints, k: int) -> npt.NDArray[np.bool_]:
    """Which queries, (n,), have the candidate at `keys`, (n,), among their k nearest."""
    _, places = nearest(queries, candidates, k)
    found: npt.NDArray[np.bool_] = (places == keys[:, None]).any(axis=1)
    return found
