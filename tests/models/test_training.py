"""A training from its rows to a folder: each part goes on where it was, and what comes out knows what it was taught."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.checks import check
from models.recipe import Recipe
from models.specs import ModelError
from models.teacher import Teacher
from models.training import Examples, train
from tests.models.folders import chat, encoder

WORDS = "blue lamp soup red table".split()
RECIPE = Recipe(epochs=4, batch_size=16, rate=3e-3, head_rate=3e-2, max_tokens=16, warm_pairs=60, word_embeddings="trained", patience=9)


def examples(n: int, seed: int) -> Examples:
    """Pairs that are relevant where the text has the query's word."""
    luck = np.random.default_rng(seed)
    queries = [WORDS[place] for place in luck.integers(len(WORDS), size=n)]
    texts = [f"a {WORDS[place]} : {WORDS[other]}\nthe" for place, other in luck.integers(len(WORDS), size=(n, 2))]
    high = np.array([4 if query in text else 0 for query, text in zip(queries, texts, strict=True)], dtype=int)
    return Examples(queries, texts, 0.9 * np.eye(5)[high] + 0.02)


def loss(teacher: Teacher, given: Examples) -> float:
    batch = teacher.padded(teacher.pairs(given.queries, given.texts))
    return float(-(given.target * np.log(teacher.probabilities(batch))).sum(axis=1).mean())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_teacher_comes_out_that_knows_what_it_was_taught(tmp_path: Path, precision: str) -> None:
    base, recipe = encoder(tmp_path / "e"), replace(RECIPE, precision=precision)
    lines: list[str] = []
    told = train(examples(240, 1), examples(80, 2), base, [base], recipe, tmp_path / "w", tmp_path / "out", lines.append)
    check(tmp_path / "out")
    ours, unseen = Teacher.loaded(tmp_path / "out"), examples(100, 3)
    chance = float(-(unseen.target * np.log(unseen.target.mean(axis=0))).sum(axis=1).mean())
    assert loss(ours, unseen) < 0.8 * chance
    assert told["plan"]["warm_pairs"] == 60
    assert told["pooling"] == "mean"
    assert min(told["blend"]["together"], told["blend"]["apart"]) > 0
    assert set(told["seconds"]) == {"plan", "prior", "pairs to start from", "warm start", "head", "tuning", "prior tuned", "blend"}
    assert lines[0].startswith("4.0 epochs of 240 pairs and 60 to start from, in ")
    # The same call again, as after a kill at the very end: nothing is trained, the same teacher comes out.
    repeated = train(examples(240, 1), examples(80, 2), base, [base], recipe, tmp_path / "w", tmp_path / "again", lines.append)
    assert [line for line in lines if "taken over" in line] == [
        "warm: taken over from a run before",
        "tune: taken over from a run before",
        "prior's encoder: taken over from a run before",
    ]
    assert repeated["tuning"] == told["tuning"]
    weights = [(*blend["shift"], blend["together"], blend["apart"]) for blend in (told["blend"], repeated["blend"])]
    assert weights[1] == pytest.approx(weights[0], abs=1e-4)
    again = Teacher.loaded(tmp_path / "again")
    batch = ours.padded(ours.pairs(unseen.queries, unseen.texts))
    assert np.abs(again.probabilities(batch) - ours.probabilities(batch)).max() < 1e-4


def test_without_a_prior_the_cross_encoder_learns_alone(tmp_path: Path) -> None:
    told = train(
        examples(120, 1), examples(60, 2), encoder(tmp_path / "e"), [], RECIPE, tmp_path / "w", tmp_path / "out", lambda line: None
    )
    assert told["plan"]["warm_pairs"] == 0
    assert told["blend"]["apart"] == 0
    assert json.loads((tmp_path / "out" / "teacher.json").read_bytes())["prior"] is None


def test_a_decoder_pools_its_last_token_and_learns_by_lora(tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, batch_size=16, rate=3e-3, max_tokens=24, lora_rank=4, gradient_checkpointing=True)
    told = train(examples(80, 1), examples(40, 2), chat(tmp_path / "c"), [], recipe, tmp_path / "w", tmp_path / "out", lambda line: None)
    assert told["pooling"] == "last"
    assert loss(Teacher.loaded(tmp_path / "out"), examples(40, 3)) < 2


def test_steps_that_would_take_too_long_are_fewer(tmp_path: Path) -> None:
    base, lines = encoder(tmp_path / "e"), list[str]()
    short = Recipe(**{**vars(RECIPE), "minutes": 1e-4})
    told = train(examples(240, 1), examples(80, 2), base, [base], short, tmp_path / "w", tmp_path / "out", lines.append)
    assert told["plan"]["share"] < 1
    assert told["plan"]["warm_pairs"] < 60
    assert told["plan"]["seconds"] == pytest.approx(0.006)


def test_a_model_with_few_positions_reads_no_more_than_it_has(tmp_path: Path) -> None:
    long = Recipe(**{**vars(RECIPE), "max_tokens": 64, "epochs": 1})
    base = encoder(tmp_path / "e")
    texts = Examples(["blue"] * 40, ["a red table " * 30] * 40, np.full((40, 5), 0.2))
    train(texts, texts, base, [base], long, tmp_path / "w", tmp_path / "out", lambda line: None)
    assert Teacher.loaded(tmp_path / "out").reading.max_tokens == 40


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="0 graded pairs of training queries and 3 of validation queries: both are needed"):
        train(examples(0, 1), examples(3, 2), tmp_path, [], RECIPE, tmp_path / "w", tmp_path / "out", lambda line: None)
