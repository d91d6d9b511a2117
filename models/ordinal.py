"""Ordinal regression: numbers that grow with relevance to probabilities of five grades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.minimising import minimised

Floats = npt.NDArray[np.float64]
RIDGE = 1e-3


@dataclass(frozen=True)
class Ordinal:
    """The proportional odds model (McCullagh 1980): P(grade <= k) = sigmoid(cut[k] - weights . z), z the standardised numbers."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weights: tuple[float, ...]
    cuts: tuple[float, ...]

    def score(self, numbers: Floats) -> Floats:
        """What orders pairs, (n,)."""
        z = (numbers - np.array(self.mean)) / np.array(self.deviation)
        found: Floats = z @ np.array(self.weights)
        return found

    def probabilities(self, numbers: Floats) -> Floats:
        """Probabilities of the grades, (n, 5)."""
        below = 1 / (1 + np.exp(-(np.array(self.cuts) - self.score(numbers)[:, None])))
        edges = np.concatenate([np.zeros((len(below), 1)), below, np.ones((len(below), 1))], axis=1)
        found: Floats = np.clip(np.diff(edges, axis=1), 1e-9, None)
        return found / found.sum(axis=1, keepdims=True)


def fitted(numbers: Floats, target: Floats, ridge: float = RIDGE) -> Ordinal:
    """The model whose cross-entropy with the targets (n, grades) is least, a ridge on its weights; the same for the same rows.

    `numbers`: (n, k). ValueError where there are no rows.
    """
    if not len(numbers):
        raise ValueError("there are no graded pairs to fit on")
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    z, wanted = torch.from_numpy((numbers - mean) / deviation), torch.from_numpy(np.array(target, np.float64))
    weights = torch.zeros(z.shape[1], dtype=torch.float64, requires_grad=True)
    # Cuts in order: the first one, and the steps to the others, which are above 0.
    shares = np.clip(target.mean(axis=0).cumsum()[:-1], 0.02, 0.98)
    start = np.maximum.accumulate(np.log(shares / (1 - shares)))
    first = torch.tensor(start[:1], requires_grad=True)
    steps = torch.tensor(np.log(np.maximum(np.diff(start), 1e-2)), requires_grad=True)

    def loss() -> torch.Tensor:
        cuts = torch.cat([first, first + steps.exp().cumsum(0)])
        below = torch.sigmoid(cuts - (z @ weights)[:, None])
        ends = torch.zeros((len(z), 1), dtype=torch.float64)
        told = torch.cat([ends, below, ends + 1], 1).diff(dim=1).clamp(min=1e-9)
        return -(wanted * told.log()).sum(1).mean() + ridge * (weights**2).sum()

    minimised([weights, first, steps], loss)
    cuts = torch.cat([first, first + steps.exp().cumsum(0)])
    return Ordinal(*(tuple(float(x) for x in values) for values in (mean, deviation, weights.detach(), cuts.detach())))
