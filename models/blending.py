"""The numbers by which a teacher weighs its two readings, fitted where neither was trained."""

from __future__ import annotations

import numpy as np
import torch

from models.minimising import minimised
from models.ordinal import Floats
from models.teacher import GRADES, Blend

RIDGE = 1e-3


def fitted(together: Floats, apart: Floats | None, target: Floats) -> Blend:
    """The blend whose cross-entropy with the targets (n, 5) is least; both weights stay above 0. The same for the same rows.

    `together`: logits of the cross-encoder (n, 5); `apart`: the prior's probabilities (n, 5), None where it is left out.
    """
    ours = torch.from_numpy(np.asarray(together, np.float64)).log_softmax(1)
    prior = None if apart is None else torch.from_numpy(np.log(np.asarray(apart, np.float64)))
    wanted = torch.from_numpy(np.asarray(target, np.float64))
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(GRADES, dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        logits = weights[0].exp() * ours + shift
        if prior is not None:
            logits = logits + weights[1].exp() * prior
        return -(wanted * logits.log_softmax(1)).sum(1).mean() + RIDGE * (shift**2).sum() + RIDGE * (weights**2).sum()

    minimised([weights, shift], loss)
    together_weight, apart_weight = (float(weight) for weight in weights.detach().exp())
    return Blend(together_weight, apart_weight if prior is not None else 0.0, tuple(float(x) for x in shift.detach()))
