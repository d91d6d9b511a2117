"""PyTorch's names for the numbers that models run with."""

from __future__ import annotations

from typing import Any

import torch

from models.int8 import in_int8
from models.specs import ModelError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.float32}
"""By the names of `schemas.contract.PRECISIONS`: what the weights are loaded as."""


def ready(model: Any, dtype: str, device: str) -> Any:
    """A loaded model for inference on the device, its linear layers in int8 where that is asked; ModelError where int8 is not for a CPU."""
    model = model.eval().requires_grad_(False)
    if dtype == "int8":
        if device != "cpu":
            raise ModelError(f"int8 runs on a CPU only, not on {device}; set precision to auto, fp32 or bf16")
        model = in_int8(model)
    return model.to(device)
