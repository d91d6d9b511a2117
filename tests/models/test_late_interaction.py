"""Late interaction: the measures of the steps done by hand, however pairs are batched, and padding and prefixes never matched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models import late_interaction
from models.encoder import Encoder
from models.late_interaction import MEASURES, LateInteraction
from tests.models.folders import encoder

PAIRS = [
    ("blue lamp", "the blue table\na red lamp : soup"),
    ("soup", "soup"),
    ("the lamp", "a red table " * 20),
    ("blue lamp", "a blue soup\nred"),
]
QUERIES, TEXTS = (list(column) for column in zip(*PAIRS, strict=True))
PROMPTS = {"query": "query: ", "passage": "passage: "}


@pytest.fixture
def ours(tmp_path: Path) -> LateInteraction:
    return LateInteraction(Encoder.loaded(encoder(tmp_path / "e", prompts=PROMPTS)), 16)


def states(ours: LateInteraction, text: str, role: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Token states and vector of one text alone, each of length 1, and its tokens."""
    model = ours.encoder
    ids = model.tokenizer(PROMPTS[role] + text, truncation=True, max_length=16)["input_ids"]
    with torch.no_grad():
        found = model.model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
    pooled = found.mean(0)
    return found / np.linalg.norm(found, axis=1, keepdims=True), pooled / np.linalg.norm(pooled), model.tokenizer.convert_ids_to_tokens(ids)


def by_hand(ours: LateInteraction, query: str, text: str) -> list[float]:
    q, query_vector, query_tokens = states(ours, query, "query")
    t, text_vector, tokens = states(ours, text, "passage")
    own = [n for n, token in enumerate(query_tokens) if n > 2 and token != "[SEP]"]  # behind [CLS] query :
    words = [n for n, token in enumerate(tokens) if n > 2 and token != "[SEP]"]
    first = words[: len(text.split("\n")[0].split())]
    best, of_first = ([max(q[n] @ t[m] for m in places) for n in own] for places in (words, first))
    return [query_vector @ text_vector, np.mean(best), min(best), np.mean(of_first), min(of_first)]


def test_measures_are_those_of_the_steps_done_by_hand_however_pairs_are_batched(ours: LateInteraction) -> None:
    queries, texts = ours.tokens(QUERIES, "query"), ours.tokens(TEXTS, "document")
    together = ours.measures(ours.padded(queries, texts)).numpy()
    assert together.shape == (4, len(MEASURES))
    assert np.abs(together - [by_hand(ours, *pair) for pair in PAIRS]).max() < 1e-5
    alone = np.concatenate([ours.measures(ours.padded([q], [t])).numpy() for q, t in zip(queries, texts, strict=True)])
    assert np.abs(together - alone).max() < 1e-5
    assert together.std(axis=0).min() > 1e-4, "the pairs differ, so the test can fail"


def test_what_repeats_is_read_once(ours: LateInteraction) -> None:
    batch = ours.padded(ours.tokens(["soup", "lamp", "soup"], "query"), ours.tokens(["red"] * 3, "document"))
    assert (len(batch.queries[0]), len(batch.texts[0])) == (2, 1)
    assert (batch.query_of.tolist(), batch.text_of.tolist()) == ([0, 1, 0], [0, 0, 0])


def test_a_query_is_read_once_for_all_batches_and_says_the_same(ours: LateInteraction, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, texts = ours.tokens(QUERIES, "query"), ours.tokens(TEXTS, "document")
    fresh = ours.measures(ours.padded(queries, texts))
    read, encoded = [], ours.encoder.states
    monkeypatch.setattr(ours.encoder, "states", lambda ids, held: read.append(len(ids)) or encoded(ids, held))
    for order in ([3, 0, 1], [1, 2]):
        again = ours.measures(ours.padded([queries[n] for n in order], [texts[n] for n in order]))
        assert np.abs(again.numpy() - fresh[order].numpy()).max() < 1e-5
    assert read == [3, 2], "the texts alone"
    monkeypatch.setattr(late_interaction, "KEPT", 3)
    ours.measures(ours.padded(ours.tokens(["table"], "query"), texts[:1]))
    assert (len(ours._kept), read[2:]) == (1, [1, 1]), "what is kept has an end"


def test_what_has_no_word_matches_nothing(ours: LateInteraction) -> None:
    batch = ours.padded(ours.tokens(["", "soup"], "query"), ours.tokens(["red", " "], "document"))
    assert (ours.measures(batch) == -1).all()
    assert ours.tokens([], "query") == []
