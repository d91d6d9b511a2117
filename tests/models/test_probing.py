"""The head before tuning: what a linear layer over the states can tell, it tells."""

from __future__ import annotations

import numpy as np
import torch

from models.probing import fitted


def test_what_the_states_tell_linearly_is_told_on_their_own_scale() -> None:
    luck = np.random.default_rng(4)
    states = (luck.normal(size=(3_000, 8)) * [1, 5, 1, 1, 100, 1, 1, 0] + [0, 3, 0, 0, -50, 0, 0, 7]).astype(np.float32)
    logits = np.stack([states[:, 0] * 2, states[:, 1] / 5, states[:, 4] / 50], axis=1)
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    layer = fitted(states, true)
    told = layer(torch.from_numpy(states)).softmax(1).detach().numpy()
    assert np.abs(told - true).max() < 0.05
    assert torch.equal(fitted(states, true).weight, layer.weight)
