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
    layer = fitted(states, true, ridge=1e-3)
    told = layer(torch.from_numpy(states)).softmax(1).detach().numpy()
    assert np.abs(told - true).max() < 0.05
    assert torch.equal(fitted(states, true, ridge=1e-3).weight, layer.weight)
    shrunk = fitted(states, true)(torch.from_numpy(states)).softmax(1).detach().numpy()
    assert min(np.corrcoef(shrunk[:, n], true[:, n])[0, 1] for n in range(3)) > 0.95, "the ridge of a teacher's head"


def test_states_of_few_pairs_in_many_dimensions_are_not_learnt_by_heart() -> None:
    luck = np.random.default_rng(5)
    states = (luck.normal(size=(1_500, 20)) @ luck.normal(size=(20, 384)) + 0.3 * luck.normal(size=(1_500, 384))).astype(np.float32)
    odds = states[:, :5] / 4 + luck.normal(size=(1_500, 5))
    target = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    seen, unseen = slice(0, 600), slice(600, None)
    layer = fitted(states[seen], target[seen])

    def loss(part: slice) -> float:
        return float(-(target[part] * layer(torch.from_numpy(states[part])).log_softmax(1).detach().numpy()).sum(axis=1).mean())

    assert loss(unseen) < loss(seen) + 0.1
    assert layer.weight.norm().item() < 3
