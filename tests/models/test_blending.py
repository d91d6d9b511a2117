"""The blend: the reading that tells more gets more weight, and sureness that is not borne out is taken back."""

from __future__ import annotations

import numpy as np

from models.blending import fitted
from models.teacher import Blend


def readings(n: int = 3_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that tell the grade, though three times too surely, probabilities that tell nothing, and the grades."""
    luck = np.random.default_rng(5)
    logits = luck.normal(size=(n, 5)) * 2
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    grades = (luck.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    return logits * 3, luck.dirichlet(np.ones(5), n), np.eye(5)[np.minimum(grades, 4)]


def loss(blend: Blend, together: np.ndarray, apart: np.ndarray | None, target: np.ndarray) -> float:
    return float(-(target * np.log(blend.of(together, apart))).sum(axis=1).mean())


def test_what_tells_more_counts_more_and_too_much_sureness_is_taken_back() -> None:
    together, apart, target = readings()
    found = fitted(together, apart, target)
    assert found.apart < 0.15 < found.together
    assert 0.25 < found.together < 0.45
    assert loss(found, together, apart, target) < loss(Blend(1.0, 0.0), together, None, target) - 0.3


def test_without_a_prior_only_the_cross_encoder_is_weighed_and_seldom_grades_are_shifted_down() -> None:
    together, _, target = readings()
    found = fitted(together, None, target)
    assert found.apart == 0
    rare = target.copy()
    rare[target[:, 4] == 1] = np.eye(5)[3]
    assert fitted(together, None, rare).shift[4] < found.shift[4] - 0.5
    assert fitted(together, None, target) == found


def test_probabilities_are_those_of_the_formula() -> None:
    logits, prior = np.array([[0.0, 1, 2, 3, 4]]), np.array([[0.1, 0.2, 0.3, 0.2, 0.2]])
    expected = np.exp(0.5 * (logits - np.log(np.exp(logits).sum())) + 2 * np.log(prior) + [0, 0, 1, 0, 0])
    assert np.allclose(Blend(0.5, 2.0, (0, 0, 1, 0, 0)).of(logits, prior), expected / expected.sum(), atol=1e-6)
