"""Ordinal regression: it finds the odds that rows were drawn from, and its probabilities are some."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.ordinal import fitted

CUTS, WEIGHTS = np.array([-2.0, -0.5, 0.5, 2.0]), np.array([2.0, -1.0])


def drawn(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, one-hot grades drawn from known proportional odds, and the true probabilities."""
    luck = np.random.default_rng(3)
    numbers = luck.normal(size=(n, 2))
    below = 1 / (1 + np.exp(-(CUTS - (numbers @ WEIGHTS)[:, None])))
    true = np.diff(np.concatenate([np.zeros((n, 1)), below, np.ones((n, 1))], axis=1), axis=1)
    grades = (luck.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    return numbers, np.eye(5)[grades], true


def test_the_odds_that_rows_were_drawn_from_are_found() -> None:
    numbers, target, true = drawn(20_000)
    model = fitted(numbers * 7 + 3, target, ridge=0.0)
    found = model.probabilities(numbers * 7 + 3)
    assert np.abs(found - true).max() < 0.03
    assert found.sum(axis=1) == pytest.approx(1)
    assert np.corrcoef(model.score(numbers * 7 + 3), numbers @ WEIGHTS)[0, 1] > 0.999


def test_targets_may_be_soft_and_a_number_that_never_differs_has_no_weight() -> None:
    numbers, _, true = drawn(2_000)
    constant = np.concatenate([numbers, np.ones((len(numbers), 1))], axis=1)
    model = fitted(constant, true)
    assert np.abs(model.probabilities(constant) - true).max() < 0.05
    assert abs(model.weights[2]) < 1e-6
    assert fitted(constant, true) == model, "the same for the same rows"


def test_one_number_orders_pairs_as_it_did(tmp_path: object) -> None:
    numbers, target, _ = drawn(500)
    model = fitted(numbers[:, :1], target)
    high = target[:, 3:].sum(axis=1)
    assert roc_auc_score(high, model.probabilities(numbers[:, :1]) @ np.arange(5)) == pytest.approx(
        roc_auc_score(high, numbers[:, 0]), abs=1e-6
    )


def test_grades_that_nobody_gave_stay_possible_and_no_rows_are_refused() -> None:
    numbers, target, _ = drawn(200)
    middle = np.eye(5)[np.clip(target.argmax(axis=1), 1, 3)]
    found = fitted(numbers, middle).probabilities(numbers)
    assert found.min() > 0
    assert np.isfinite(np.log(found)).all()
    with pytest.raises(ValueError, match="there are no graded pairs to fit on"):
        fitted(np.zeros((0, 2)), np.zeros((0, 5)))
