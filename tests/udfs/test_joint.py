"""The joint embedding behind the engine: queries and entities in any mix have the vectors that the model gives them alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models.bags import Vocabulary
from models.columns import vectors_of
from models.encoder import Encoder
from models.omnisearchsage import OmniSearchSage, entities
from schemas.embeddings import NAMES, VECTORS, WIDTH
from tests.models.folders import encoder
from udfs.engine import alone
from udfs.engine.task import Asking
from udfs.engine.threads import ThreadPlan
from udfs.joint import ASKS

VOCABULARY = Vocabulary({"char_trigram": ["#re"], "unigram": ["red", "vase"], "bigram": ["red#vase"]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("joint")
    model = OmniSearchSage.fresh(Encoder.loaded(encoder(base / "encoder", "cls")), VOCABULARY, 1, table=50, width=16, hidden=8)
    model.save(base / "joint", base / "encoder")
    return base / "joint"


def test_queries_and_entities_have_the_vectors_of_the_model(folder: Path) -> None:
    vector = np.ones(WIDTH, "<f2").tobytes()
    rows = [
        {"query": "the red lamp"},
        {"title": "red vase", "item": vector},
        {"query": " "},
        {"image_caption": "vase"},
        {},
        {"query": "blue"},
        {"title": "red vase", "item": vector},
    ]
    kinds = {name: pa.binary() if name in VECTORS else pa.string() for name in ASKS}
    inputs = [pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()]
    found, refused, precision = alone.answers(
        Asking("udfs.joint:load", str(folder), "joint", precision="fp32", plan=ThreadPlan(1, 1)), inputs
    )
    assert precision == "fp32"
    assert refused.to_pylist()[2] == "no query"
    model = OmniSearchSage.loaded(folder)
    given = {name: column.take(pa.array([1, 3, 6])) for name, column in zip(ASKS, inputs, strict=True)}
    theirs = model.of_entities(entities(VOCABULARY, {name: given[name] for name in (*NAMES, *VECTORS)}))
    ours = vectors_of(found, 16)
    assert ours[[1, 3, 6]] == pytest.approx(theirs, abs=1e-5)
    assert ours[[0, 5]] == pytest.approx(model.of_queries(["the red lamp", "blue"]), abs=1e-5)
    assert np.isnan(ours[2]).all()
