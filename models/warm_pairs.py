"""Pairs without a grade, to learn the prior's measures from before people's grades: known ones, near ones and strange ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
SHARES = (0.4, 0.3, 0.3)
"""Of pairs that people looked at, of a query with one of its NEAREST texts, and of a query with any text."""
NEAREST = 100


def formed(known: Sequence[tuple[int, int]], queries: npt.NDArray[np.float32], texts: npt.NDArray[np.float32], n: int, seed: int) -> Places:
    """(n, 2) places of a query and a text, drawn by the seed: the same for the same vectors.

    `known` pairs are drawn without repeats as far as they reach; near and strange ones may repeat. `queries` (q, dim) and `texts` (t, dim)
    are vectors of length 1.
    """
    luck = np.random.default_rng(seed)
    some = min(round(n * SHARES[0]), len(known))
    near = round((n - some) * SHARES[1] / (SHARES[1] + SHARES[2]))
    found = [np.asarray(known, np.int64)[luck.permutation(len(known))[:some]]]
    k = min(NEAREST, len(texts))
    nearest = np.argsort(-(queries @ texts.T), axis=1, kind="stable")[:, :k]
    asked = luck.integers(len(queries), size=near)
    found.append(np.stack([asked, nearest[asked, luck.integers(k, size=near)]], 1))
    rest = n - some - near
    found.append(np.stack([luck.integers(len(queries), size=rest), luck.integers(len(texts), size=rest)], 1))
    return np.concatenate(found)
