"""Vectors through the engine are those of the encoder, whatever the batches."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from models.encoder import Encoder
from tests.models.folders import encoder as encoder_folder
from udfs.embeddings import load
from udfs.engine.operator import Tally, answered
from udfs.engine.task import Budget


def test_every_text_gets_the_vector_that_the_encoder_gives_it_alone(tmp_path):
    folder = encoder_folder(tmp_path / "encoder")
    texts = ["a red lamp", "a", "the blue soup : a red lamp a query table", "a red lamp", "", "soup"]
    task = load(str(folder), {}, "cpu", "fp32")
    tally = Tally()
    ((vectors, refused),) = answered(iter([[pa.array(texts)]]), lambda inputs: task, Budget(batch_tokens=16, batch_rows=2), tally)
    encoder = Encoder.loaded(folder)
    alone = np.vstack([encoder.vectors(encoder.tokens([text])) for text in texts])
    found = np.vstack(vectors.to_pylist())
    assert refused.to_pylist() == [None] * 6
    np.testing.assert_allclose(found, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (tally.rows, tally.inputs) == (6, 5)
    assert tally.tokens <= tally.computed


def test_a_column_of_roles_decides_about_the_prefix_of_each_text(tmp_path):
    folder = encoder_folder(tmp_path / "encoder", prompts={"query": "query : ", "passage": "passage : "})
    task = load(str(folder), {"max_tokens": 6}, "cpu", "fp32")
    roles, texts = ["query", "document", "query", "document"], ["lamp", "lamp", "soup", "a red lamp the blue soup"]
    ((vectors, _),) = answered(iter([[pa.array(roles), pa.array(texts)]]), lambda inputs: task, Budget())
    encoder = Encoder.loaded(folder, max_tokens=6)
    alone = np.vstack([encoder.vectors(encoder.tokens([text], role)) for role, text in zip(roles, texts, strict=True)])
    np.testing.assert_allclose(np.vstack(vectors.to_pylist()), alone, atol=1e-5)
    assert not np.allclose(alone[0], alone[1]), "one text in two roles"
