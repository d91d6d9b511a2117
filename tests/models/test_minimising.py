"""The fit ends where the loss is least."""

from __future__ import annotations

import torch

from models.minimising import minimised


def test_the_numbers_are_those_where_the_loss_is_least() -> None:
    x, y = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (2, 1))
    wanted = torch.tensor([3.0, -4.0], dtype=torch.float64)
    minimised([x, y], lambda: ((x - wanted) ** 2).sum() + (y - x.sum()) ** 4)
    assert torch.allclose(x, wanted, atol=1e-4)
    assert abs(float(y) + 1) < 0.05
