"""Linear layers in eight bits: weights scaled by output, activations by token, so that no text's answer depends on its neighbours.

A product of int8 is summed in int32 and scaled back to fp32; everything else of the model stays fp32. The scale by token and by output is
that of LLM.int8() (Dettmers et al. 2022, section 2.2, vector-wise quantization) without its outlier columns.
"""

from __future__ import annotations

from typing import Any

import torch

LARGEST = 127
_ROWS = 256
"""Tokens of a block: its numbers in all their forms stay in the cache."""


class Int8Linear(torch.nn.Module):
    """`torch.nn.Linear` for inference on a CPU: fp32 in, fp32 out, int8 weights."""

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor

    def __init__(self, exact: torch.nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = exact.in_features, exact.out_features
        weight = exact.weight.detach().float()
        scale = _scale(weight)
        self.register_buffer("weight", weight.div(scale).round_().to(torch.int8))
        self.register_buffer("scale", scale[:, 0])
        self.register_buffer("bias", torch.zeros(self.out_features) if exact.bias is None else exact.bias.detach().float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) to (..., out_features)."""
        tokens = x.reshape(-1, self.in_features)
        found = x.new_empty(len(tokens), self.out_features)
        for start in range(0, len(tokens), _ROWS):
            block = tokens[start : start + _ROWS]
            scale = _scale(block)
            sums = torch._int_mm(block.div(scale).round_().to(torch.int8), self.weight.t())
            torch.addcmul(self.bias, torch.mul(sums, scale), self.scale, out=found[start : start + _ROWS])
        return found.view(*x.shape[:-1], self.out_features)


def _scale(rows: torch.Tensor) -> torch.Tensor:
    """What one step of int8 is worth in each row, (n, 1)."""
    return rows.abs().amax(1, keepdim=True).clamp_min_(1e-12).div_(LARGEST)


def in_int8(model: Any) -> Any:
    """The model, whose linear layers are replaced but for its output embeddings, which alone decide between words."""
    kept = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear and child is not kept:
                setattr(module, name, Int8Linear(child))
    return model
