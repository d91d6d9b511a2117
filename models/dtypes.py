"""PyTorch's names for the numbers that models run with."""

from __future__ import annotations

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""By the names of `schemas.contract.PRECISIONS`."""
