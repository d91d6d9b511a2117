"""One phase of training: it learns, it goes on after a kill where it was, and what is not open stays as it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import fine_tuning
from models.adapters import body_to_train, merged
from models.fine_tuning import Graded, Phase
from models.recipe import Recipe
from models.specs import ModelError
from models.teacher import Network, Reading, Teacher
from tests.models.folders import encoder

WORDS = "blue lamp soup red table".split()
RECIPE = Recipe(epochs=6, batch_size=8, rate=3e-3, head_rate=3e-2, max_tokens=16, word_embeddings="trained", patience=9)


def graded(teacher: Teacher, n: int, seed: int) -> Graded:
    """Pairs that are relevant where the text has the query's word."""
    luck = np.random.default_rng(seed)
    queries = [WORDS[place] for place in luck.integers(len(WORDS), size=n)]
    texts = [f"a {WORDS[place]} : the" for place in luck.integers(len(WORDS), size=n)]
    high = [query in text for query, text in zip(queries, texts, strict=True)]
    return Graded(teacher.pairs(queries, texts), np.eye(5)[[4 if one else 0 for one in high]])


def fresh(folder: Path, recipe: Recipe = RECIPE) -> Teacher:
    torch.manual_seed(3)
    tokenizer, body = body_to_train(folder, recipe)
    return Teacher(tokenizer, Network(body, "mean"), Reading("mean", 16))


def phase(teacher: Teacher, epochs: float = 6) -> Phase:
    return Phase("tune", graded(teacher, 240, 1), graded(teacher, 60, 2), epochs)


def test_a_phase_learns_and_says_how_long_it_takes(tmp_path: Path) -> None:
    ours, lines = fresh(encoder(tmp_path / "e")), list[str]()
    course = fine_tuning.run(ours.network, phase(ours), RECIPE, "fp32", tmp_path / "w", lines.append)
    assert not course.undone
    seen = [one["eval_loss"] for one in course.seen if "eval_loss" in one]
    assert seen[0] > 1.0
    assert min(seen) < 0.5 * seen[0]
    assert lines[-1].startswith("tune: step 180 of 180, agreement 0.")
    assert lines[-1].endswith("about 0 s left")
    batch = ours.padded(phase(ours).looked_at.pairs)
    again = fresh(tmp_path / "e")
    assert np.abs(again.logits(batch) - ours.logits(batch)).max() > 0.1
    assert fine_tuning.run(again.network, phase(again), RECIPE, "fp32", tmp_path / "w", lines.append) == course
    assert lines[-1] == "tune: taken over from a run before"
    assert np.abs(again.logits(batch) - ours.logits(batch)).max() < 1e-6


def test_a_killed_phase_goes_on_from_its_checkpoint_to_the_same_weights(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "e")
    program = f"""
import sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from tests.models import test_fine_tuning as t
from models import fine_tuning
ours = t.fresh(t.Path({str(folder)!r}))
fine_tuning.run(ours.network, t.phase(ours), t.RECIPE, "fp32", t.Path({str(tmp_path / "killed")!r}), print)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("tune/checkpoint-*/trainer_state.json")):
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "tune.safetensors").exists(), "killed before it was over"
    whole, rest, lines = fresh(folder), fresh(folder), list[str]()
    fine_tuning.run(whole.network, phase(whole), RECIPE, "fp32", tmp_path / "whole", lambda line: None)
    fine_tuning.run(rest.network, phase(rest), RECIPE, "fp32", tmp_path / "killed", lines.append)
    assert lines[0].startswith("tune: goes on from checkpoint-")
    batch = whole.padded(phase(whole).looked_at.pairs)
    assert np.abs(whole.logits(batch) - rest.logits(batch)).max() < 1e-4


def test_a_phase_that_falls_apart_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    ours, lines = fresh(encoder(tmp_path / "e")), list[str]()
    texts = [f"a {WORDS[place % len(WORDS)]} : the" for place in range(120)]
    easy = Graded(ours.pairs(["blue"] * 120, texts), np.eye(5)[[4 if "lamp" in text else 0 for text in texts]])
    fine_tuning.run(ours.network, Phase("tune", easy, easy, 6), RECIPE, "fp32", tmp_path / "good", lambda line: None)
    learnt = ours.logits(ours.padded(easy.pairs))
    wild = replace(RECIPE, rate=1e30, head_rate=1e30)
    course = fine_tuning.run(ours.network, Phase("tune", easy, easy, 2), wild, "fp32", tmp_path / "w", lines.append)
    looks = [one["eval_agreement"] for one in course.seen if "eval_agreement" in one]
    assert (course.undone, course.start is not None and course.start > 0.9) == (True, True)
    assert max(looks) < 0.45
    assert lines[-1] == "tune: fell apart, no look agreed half as well as the start, which is kept; a lower rate may do better"
    ours.network.eval()
    assert np.abs(ours.logits(ours.padded(easy.pairs)) - learnt).max() < 1e-6


OPEN = {
    "frozen": ({"word_embeddings": "frozen"}, lambda name: "word_embeddings" not in name),
    "trained": ({"word_embeddings": "trained"}, lambda name: True),
    "low_rank": ({"word_embeddings": "low_rank"}, lambda name: "word_embeddings.base_layer" not in name),
    "lora": ({"lora_rank": 4}, lambda name: "lora_" in name),
    "lora and low_rank": ({"lora_rank": 4, "word_embeddings": "low_rank"}, lambda name: "lora_" in name),
}


@pytest.mark.parametrize("name", OPEN)
def test_only_what_the_recipe_opens_learns_and_adapters_merge_into_a_body_that_says_the_same(tmp_path: Path, name: str) -> None:
    values, is_open = OPEN[name]
    recipe = Recipe(**{"epochs": 1.0, "batch_size": 8, "rate": 1e-2, "max_tokens": 16, **values})
    folder = encoder(tmp_path / "e")
    ours = fresh(folder, recipe)
    before = {n: weight.clone() for n, weight in ours.network.body.named_parameters()}
    fine_tuning.run(ours.network, phase(ours, 2), recipe, "fp32", tmp_path / "w", lambda line: None)
    moved = {n for n, weight in ours.network.body.named_parameters() if not torch.equal(weight, before[n])}
    assert moved, "something learns"
    assert all(is_open(n) for n in moved)
    assert any("lora_embedding" in n for n in moved) == ("low_rank" in name)
    ours.network.eval()
    batch = ours.padded(phase(ours).looked_at.pairs)
    tuned = ours.logits(batch)
    ours.network.body = merged(ours.network.body, folder, recipe)
    ours.save(tmp_path / "out")
    assert np.abs(Teacher.loaded(tmp_path / "out").logits(batch) - tuned).max() < 1e-4


def test_a_probe_times_both_precisions_and_learns_nothing(tmp_path: Path) -> None:
    ours = fresh(encoder(tmp_path / "e"))
    before = {n: weight.clone() for n, weight in ours.network.named_parameters()}
    found = fine_tuning.paces(ours.network, phase(ours).learnt, RECIPE)
    assert set(found) == {"fp32", "bf16"}
    assert min(found.values()) > 0
    assert all(torch.equal(weight, before[n]) for n, weight in ours.network.named_parameters())
    assert fine_tuning.fastest({"fp32": 1.0, "bf16": 0.95}) == "fp32", "within noise"
    assert fine_tuning.fastest({"fp32": 1.0, "bf16": 0.5}) == "bf16"
    assert fine_tuning.fastest({"bf16": 9.0}) == "bf16"


def test_a_probe_has_few_rounds_where_minutes_are_few(tmp_path: Path) -> None:
    ours = fresh(encoder(tmp_path / "e"))
    seen: list[int] = []
    ours.network.register_forward_hook(lambda *_: seen.append(1))
    for minutes, rounds in ((1e-9, fine_tuning.ROUNDS[0]), (60.0, fine_tuning.ROUNDS[1])):
        seen.clear()
        fine_tuning.paces(ours.network, phase(ours).learnt, replace(RECIPE, minutes=minutes))
        assert len(seen) == 2 * rounds, "in each precision"


@pytest.mark.skipif(torch.cuda.is_available(), reason="4 bits are possible here")
def test_four_bits_without_cuda_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="four_bit needs a CUDA device and bitsandbytes"):
        body_to_train(encoder(tmp_path / "e"), Recipe(lora_rank=4, four_bit=True))
