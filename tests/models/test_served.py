"""What a server runs says what torch says: queries of any number and length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.bags import Vocabulary
from models.encoder import Encoder
from models.omnisearchsage import OmniSearchSage
from models.served import ServedQueries, export_query_encoder
from tests.models.folders import encoder


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_queries_have_the_vectors_of_torch(tmp_path: Path, pooling: str) -> None:
    base = encoder(tmp_path / "base", pooling, prompts={"query": "query : "})
    vocabulary = Vocabulary({"char_trigram": [], "unigram": ["red"], "bigram": []})
    model = OmniSearchSage.fresh(Encoder.loaded(base, max_tokens=12), vocabulary, 1, table=10, width=8, hidden=4)
    model.save(tmp_path / "joint", base)
    loaded = OmniSearchSage.loaded(tmp_path / "joint")
    export_query_encoder(loaded, tmp_path / "joint", tmp_path / "served")
    served = ServedQueries(tmp_path / "served")
    queries = ["red", "the blue lamp", "a " * 40, "table soup red lamp"]
    wanted = loaded.of_queries(queries)
    assert np.abs(served.vectors(queries) - wanted).max() < 1e-4
    assert np.abs(served.vectors(["red"]) - wanted[:1]).max() < 1e-4
