"""Word match as a baseline: BM25 of every text for every query, by a kept library (bm25s, its Lucene variant)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def scores(texts: Sequence[str], queries: Sequence[str]) -> Iterator[npt.NDArray[np.floating]]:
    """The scores of all texts, (n,), for one query after the other; 0 where no word of the query is known."""
    import bm25s

    index = bm25s.BM25()
    index.index(_words(texts), show_progress=False)
    for tokens in _words(queries):
        known = [token for token in tokens if token in index.vocab_dict]
        yield index.get_scores(known) if known else np.zeros(len(texts))


def _words(texts: Sequence[str]) -> Any:
    import bm25s

    return bm25s.tokenize(list(texts), stopwords=None, show_progress=False, return_ids=False)
