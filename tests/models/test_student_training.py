"""A student's training: it learns what its labels say, from tables or from query and text alone, and a tuned encoder from pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.encoder import Encoder
from models.recipe import StudentRecipe
from models.specs import ModelError
from models.student import Pairs, Shape, Student
from models.student_training import Examples, agreement, fitted, probabilities, train
from tests.models.folders import encoder

WORDS = "blue lamp soup red table".split()
NAMES = ("words", "known by tables")
RECIPE = StudentRecipe(max_tokens=16, encoder_minutes=0, epochs=30, batch_size=64, rate=3e-3, drop_tables=0.3)


def examples(n: int, seed: int, told: bool = True) -> Examples:
    """Pairs that are relevant where the text has the query's word; the second number says so, where it is told."""
    luck = np.random.default_rng(seed)
    texts = [f"a {one} : {other}" for one in WORDS for other in WORDS]
    luck.shuffle(texts)  # no set knows another's places
    query_of, text_of = luck.integers(len(WORDS), size=n), luck.integers(len(texts), size=n)
    high = np.array([WORDS[q] in texts[t] for q, t in zip(query_of, text_of, strict=True)])
    target = 0.9 * np.eye(5)[np.where(high, 4, 0)] + 0.02
    numbers = np.stack([luck.normal(size=n), np.where(told, high, np.nan)], 1).astype(np.float32)
    return Examples(WORDS, texts, query_of, text_of, target, np.ones(n), np.full((n, 3), np.nan, np.float32), numbers)


def vectors(given: Examples, seed: int = 3) -> Pairs:
    """The pairs with vectors that say nothing."""
    luck = np.random.default_rng(seed)
    sides = [luck.normal(size=(len(one), 8)).astype(np.float32) for one in (given.queries, given.texts)]
    return given.pairs(*(side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides))


def test_a_head_learns_from_tables_and_the_same_rows_give_the_same_head() -> None:
    learnt, looked_at = examples(400, 1), examples(200, 2)
    given = (vectors(learnt), learnt.target, learnt.weight, vectors(looked_at), looked_at.target, Shape(8, 3, NAMES), 1, RECIPE)
    head, agreed = fitted(*given)
    said = probabilities(head, vectors(looked_at)) @ np.arange(1, 6)
    assert np.corrcoef(said, looked_at.target @ np.arange(1, 6))[0, 1] > 0.95
    assert agreed == pytest.approx(agreement(head, vectors(looked_at), looked_at.target, 1))
    again, agreed_again = fitted(*given)
    assert agreed_again == agreed
    assert np.array_equal(probabilities(again, vectors(looked_at)), probabilities(head, vectors(looked_at)))


def test_pairs_of_weight_0_teach_nothing() -> None:
    learnt, looked_at = examples(400, 1), examples(200, 2)
    wrong = replace(learnt, target=learnt.target[:, ::-1].copy(), weight=np.zeros(400))
    both = Examples(
        learnt.queries,
        learnt.texts,
        *(
            np.concatenate([getattr(a, n) for a in (learnt, wrong)])
            for n in ("query_of", "text_of", "target", "weight", "graph", "numbers")
        ),
    )
    _, agreed = fitted(vectors(both), both.target, both.weight, vectors(looked_at), looked_at.target, Shape(8, 3, NAMES), 1, RECIPE)
    assert agreed > 0.4, "half of it is of tables"


def test_softer_labels_are_learnt_as_such() -> None:
    learnt, looked_at = examples(400, 1), examples(200, 2)
    soft = replace(RECIPE, temperature=2.0)
    head, _ = fitted(vectors(learnt), learnt.target, learnt.weight, vectors(looked_at), looked_at.target, Shape(8, 3, NAMES), 1, soft)
    high = looked_at.numbers[:, 1] == 1
    said = probabilities(head, vectors(looked_at))
    assert said[high, 4].mean() > 0.7, "at temperature 1 it is as sure as the labels"


def test_a_student_comes_out_whose_encoder_learnt_words_and_a_killed_tuning_is_taken_over(tmp_path: Path) -> None:
    base = encoder(tmp_path / "e")
    learnt, looked_at = examples(600, 1, told=False), examples(200, 2, told=False)
    recipe = replace(RECIPE, encoder_minutes=5.0, encoder_epochs=40, encoder_rate=3e-3, patience=9)
    lines: list[str] = []
    told = train(learnt, looked_at, base, NAMES, 1, recipe, tmp_path / "w", tmp_path / "out", lines.append)
    assert told["agreement"] == told["tuned"]["agreement"] > max(told["frozen"]["agreement"], 0.9)
    # Nothing but query and text is known of these pairs, so the first look is the frozen head's own.
    assert told["tuning"]["course"]["start"] == pytest.approx(told["frozen"]["agreement"], abs=1e-3)
    assert {"head", "encoder", "head again"} == set(told["seconds"])
    ours = Student.loaded(tmp_path / "out")
    start = Encoder.loaded(base, max_tokens=16)
    word = ours.encoder.tokens(["blue lamp"])
    assert not np.allclose(ours.encoder.vectors(word), start.vectors(word), atol=1e-3)
    frozen = (ours.encoder.model.get_input_embeddings().weight == start.model.get_input_embeddings().weight).all()
    assert bool(frozen), "word embeddings stay as they are"
    again = train(learnt, looked_at, base, NAMES, 1, recipe, tmp_path / "w", tmp_path / "again", lines.append)
    assert "encoder: taken over from a run before" in lines
    assert again["agreement"] == pytest.approx(told["agreement"], abs=1e-3)


def test_a_tuning_goes_to_its_end_though_looks_on_the_way_are_worse(tmp_path: Path) -> None:
    learnt, looked_at = examples(300, 1, told=False), examples(100, 2, told=False)
    learnt = replace(learnt, target=np.random.default_rng(1).permutation(learnt.target))  # nothing to learn: no look is better for long
    recipe = replace(RECIPE, encoder_minutes=5.0, encoder_epochs=60, encoder_rate=3e-3)
    told = train(learnt, looked_at, encoder(tmp_path / "e"), NAMES, 1, recipe, tmp_path / "w", tmp_path / "out", lambda line: None)
    seen = told["tuning"]["course"]["seen"]
    looks = [one["eval_agreement"] for one in seen if "eval_agreement" in one]
    assert len(looks) >= 10
    assert int(np.argmax(looks)) < len(looks) - 5, "the last five were no better than the best"


def test_without_minutes_the_encoder_stays_as_it_is(tmp_path: Path) -> None:
    base = encoder(tmp_path / "e")
    told = train(examples(300, 1), examples(100, 2), base, NAMES, 1, RECIPE, tmp_path / "w", tmp_path / "out", lambda line: None)
    assert "tuning" not in told
    weights = [(folder / "model.safetensors").read_bytes() for folder in (base, tmp_path / "out")]
    assert weights[0] == weights[1]


def test_nothing_to_learn_from_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="0 labelled pairs of training queries and 10 of validation queries"):
        train(examples(0, 1), examples(10, 2), tmp_path, NAMES, 1, RECIPE, tmp_path, tmp_path, lambda line: None)
    with pytest.raises(ModelError, match="drop_tables a share"):
        StudentRecipe(drop_tables=2)


def test_vectors_of_a_table_are_taken_where_they_are_the_encoders_own(tmp_path: Path) -> None:
    base = encoder(tmp_path / "e")
    learnt, looked_at = examples(200, 1), examples(100, 2)
    model = Encoder.loaded(base, max_tokens=16)
    sides = [model.all_vectors(list(texts), role) for texts, role in ((learnt.queries, "query"), (learnt.texts, "document"))]
    sides[1][3:] = np.nan  # of most texts the table has none
    lines: list[str] = []
    told = [
        train(replace(learnt, **given), looked_at, base, NAMES, 1, RECIPE, tmp_path / "w", tmp_path / f"out{n}", lines.append)["agreement"]
        for n, given in enumerate(({}, {"query_vectors": sides[0], "text_vectors": sides[1]}))
    ]
    assert told[0] == pytest.approx(told[1], abs=1e-6)
    assert not any("another encoder" in line for line in lines)
    wrong = {"query_vectors": np.roll(sides[0], 1, axis=1), "text_vectors": sides[1]}
    train(replace(learnt, **wrong), looked_at, base, NAMES, 1, RECIPE, tmp_path / "w", tmp_path / "other", lines.append)
    assert "the vectors of the table are another encoder's: they are made anew" in lines
