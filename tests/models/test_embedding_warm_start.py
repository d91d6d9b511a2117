"""Both encoders learn that an entity answers its own words."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds

from models import embedding_warm_start
from models.embedding_batches import entities_of, vocabulary_of
from models.embedding_warm_start import warm
from models.encoder import Encoder
from models.omnisearchsage import OmniSearchSage
from schemas.embeddings import NEGATIVES, TOKENS
from tests.models.folders import encoder
from tests.models.test_embedding_training import RECIPE, lesson


def test_a_word_finds_those_that_say_it(tmp_path: Path) -> None:
    rows = lesson(tmp_path / "rows")
    model = OmniSearchSage.fresh(Encoder.loaded(encoder(tmp_path / "base")), vocabulary_of(rows / TOKENS), 5, width=16, hidden=32)
    language = {name: one.clone() for name, one in model.query.body.state_dict().items()}
    said: list[str] = []
    assert warm(model, rows, replace(RECIPE, warm_queries=3000, warm_rate=1e-2), said.append) == 281, "3 x 3000 / 32"
    assert said[0].endswith("of 80 pins and products")
    assert all((one == language[name]).all() for name, one in model.query.body.state_dict().items())
    drawn = ds.dataset(rows / NEGATIVES).to_table()
    for tower in (model.query, model.entity):
        tower.eval()
    found = model.of_queries(["red"]) @ model.of_entities(entities_of(model.vocabulary, drawn)).T
    best = drawn.take(np.argsort(-found[0])[:10]).to_pylist()
    assert sum("red" in f"{row['title']} {row['image_caption']}" for row in best) >= 8, "of 16 of 80"


def test_it_ends_with_its_share_of_the_minutes(tmp_path: Path, monkeypatch) -> None:
    rows = lesson(tmp_path / "rows")
    model = OmniSearchSage.fresh(Encoder.loaded(encoder(tmp_path / "base")), vocabulary_of(rows / TOKENS), 5, width=16, hidden=32)
    monkeypatch.setattr(embedding_warm_start, "EPOCHS", 1e6)
    began = time.monotonic()
    steps = warm(model, rows, replace(RECIPE, warm_queries=600, minutes=0.1), lambda line: None)
    assert steps >= embedding_warm_start.PROBED
    assert time.monotonic() - began < 30, "a third of six seconds, on a busy machine"
