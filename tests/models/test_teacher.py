"""The teacher: the same probabilities as the steps done by hand, however pairs are batched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from models.checks import check
from models.specs import ModelError
from models.teacher import Reading, Teacher
from schemas.contract import PRECISIONS
from tests.models.folders import encoder, teacher

PAIRS = [
    ("blue lamp", "the red lamp : a blue table"),
    ("soup", "soup"),
    ("zebra", "a red table " * 20),
    ("the blue lamp " * 9, "soup"),
]
QUERIES, TEXTS = (list(column) for column in zip(*PAIRS, strict=True))


def by_hand(folder: Path, pooling: str) -> np.ndarray:
    """Probabilities of one pair after the other by transformers alone: no padding, no mask."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    weights = load_file(folder / "head.safetensors")
    found = []
    with torch.no_grad():
        for query, text in PAIRS:
            read = (f"query: {query}\n{text}",) if pooling == "last" else (query, text)
            tokens = tokenizer(
                *read, truncation="longest_first", max_length=16, return_tensors="pt", return_token_type_ids=pooling != "last"
            )
            states = model(**tokens).last_hidden_state[0]
            pooled = {"mean": states.mean(0), "cls": states[0], "last": states[-1]}[pooling]
            found.append((weights["weight"] @ pooled + weights["bias"]).softmax(0).numpy())
    return np.stack(found)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_probabilities_are_those_of_the_steps_done_by_hand(tmp_path: Path, pooling: str) -> None:
    folder = teacher(tmp_path / "t", pooling)
    ours = Teacher.loaded(folder)
    pairs = ours.pairs(QUERIES, TEXTS)
    assert max(len(pair.ids) for pair in pairs) == 16
    together = ours.probabilities(ours.padded(pairs))
    assert together.shape == (4, 5)
    assert np.abs(together - by_hand(folder, pooling)).max() < 1e-5
    assert together.std(axis=0).max() > 1e-4, "the pairs differ, so the test can fail"
    alone = np.concatenate([ours.probabilities(ours.padded([pair])) for pair in pairs])
    assert np.abs(together - alone).max() < 1e-5
    check(folder)  # the store takes it


def test_a_long_text_never_costs_the_query_its_words(tmp_path: Path) -> None:
    ours = Teacher.loaded(teacher(tmp_path / "t"))
    ids, types, _ = ours.pairs(["blue lamp"], ["a red table " * 20])[0]
    assert ours.tokenizer.decode(ids[:4]) == "[CLS] blue lamp [SEP]"
    assert types == [0] * 4 + [1] * 12
    assert ours.pairs([], []) == []


def test_what_was_saved_is_loaded_and_precisions_agree(tmp_path: Path) -> None:
    first = Teacher.loaded(teacher(tmp_path / "t"))
    first.save(tmp_path / "again")
    batch = first.padded(first.pairs(QUERIES, TEXTS))
    again, half, least = (Teacher.loaded(tmp_path / "again", dtype=dtype).probabilities(batch) for dtype in PRECISIONS)
    assert (again == first.probabilities(batch)).all()
    assert np.abs(half - again).max() < 0.05
    assert 0 < np.abs(least - again).max() < 0.05


def test_what_is_no_teacher_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no teacher: it lacks teacher.json or head.safetensors"):
        Teacher.loaded(encoder(tmp_path / "e"))
    folder = teacher(tmp_path / "t")
    (folder / "teacher.json").write_text(json.dumps({"pooling": "max", "max_tokens": 16}))
    with pytest.raises(ModelError, match="pooling is one of mean, cls, last"):
        Teacher.loaded(folder)
    with pytest.raises(ModelError, match="max_tokens at least 8"):
        Reading("mean", 4)
