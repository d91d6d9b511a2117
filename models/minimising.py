"""One way to fit a few hundred numbers: L-BFGS with a line search in float64, the same for the same start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

STEPS = 200


def minimised(numbers: Sequence[torch.Tensor], loss: Callable[[], torch.Tensor], steps: int = STEPS) -> None:
    """Nothing; the numbers, which the loss is made of, are those where it is least, or as near as so many steps lead."""
    optimizer = torch.optim.LBFGS(list(numbers), max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        found = loss()
        found.backward()
        return found

    optimizer.step(closure)
