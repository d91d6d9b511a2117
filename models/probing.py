"""The head before the body is tuned: fitted on the body's states as they are, so that tuning does not begin by undoing what the body knows.

Linear probing, then fine-tuning (arXiv 2202.10054, section 3).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from models.minimising import minimised
from models.ordinal import Floats

RIDGE = 0.1
"""So much that the layer's weights are small: with 1e-3 they were seven times as large, what tuning changed in the body was multiplied by
them, and one of three trainings fell apart at the height of its rate (docs/decisions.md)."""
_STEPS = 100


def fitted(states: npt.NDArray[np.floating], target: Floats, ridge: float = RIDGE) -> torch.nn.Linear:
    """The layer over states (n, hidden) whose cross-entropy with probabilities (n, k) is least, a ridge on its weights over standardised
    states; the same for the same rows."""
    mean, deviation = states.mean(axis=0, dtype=np.float64), states.std(axis=0, dtype=np.float64)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    z, wanted = torch.from_numpy((states - mean) / deviation), torch.from_numpy(np.asarray(target, np.float64))
    weight = torch.zeros((target.shape[1], states.shape[1]), dtype=torch.float64, requires_grad=True)
    bias = torch.from_numpy(np.log(np.clip(target.mean(axis=0), 1e-6, None))).requires_grad_()

    def loss() -> torch.Tensor:
        return -(wanted * (z @ weight.T + bias).log_softmax(1)).sum(1).mean() + ridge * (weight**2).sum()

    minimised([weight, bias], loss, _STEPS)
    layer = torch.nn.Linear(states.shape[1], target.shape[1])
    own = weight.detach() / torch.from_numpy(deviation)
    with torch.no_grad():
        layer.weight.copy_(own)
        layer.bias.copy_(bias.detach() - own @ torch.from_numpy(mean))
    return layer
