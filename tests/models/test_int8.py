"""A linear layer in int8 says nearly what it says in fp32, and of each token the same whatever stands beside it."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from models.dtypes import ready
from models.int8 import Int8Linear, in_int8
from models.specs import ModelError


def layer(inputs: int, outputs: int, bias: bool = True) -> torch.nn.Linear:
    torch.manual_seed(inputs + outputs)
    return torch.nn.Linear(inputs, outputs, bias=bias).requires_grad_(False)


@pytest.mark.parametrize(("inputs", "outputs", "bias"), [(32, 48, True), (384, 5, False), (7, 3, True)])
def test_it_is_close_to_fp32(inputs, outputs, bias):
    exact = layer(inputs, outputs, bias)
    x = torch.randn(3, 200, inputs)  # more than a block of tokens
    said, wanted = Int8Linear(exact)(x), exact(x)
    assert said.shape == wanted.shape
    assert (said - wanted).norm() < 0.02 * wanted.norm()
    assert (said != wanted).any()


def test_a_token_is_scaled_by_itself():
    exact = layer(64, 16)
    made = Int8Linear(exact)
    x = torch.randn(10, 64)
    beside = torch.cat([x, 1e4 * torch.randn(300, 64)])
    assert torch.equal(made(beside)[:10], made(x))
    assert torch.equal(made(torch.zeros(2, 64)), exact.bias.expand(2, -1)), "a token of zeros is no division by zero"


def test_linear_layers_of_a_model_are_replaced_but_for_its_output_embeddings():
    config = LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    ids = torch.arange(12)[None]
    exact = model(ids).logits
    made = in_int8(model)
    kinds = [type(one) for one in made.modules()]
    assert kinds.count(Int8Linear) == 2 * 7
    assert type(made.lm_head) is torch.nn.Linear
    assert (made(ids).logits - exact).norm() < 0.05 * exact.norm()


def test_int8_is_for_cpus():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=2))
    with pytest.raises(ModelError, match="int8 runs on a CPU only, not on cuda:0; set precision to auto, fp32 or bf16"):
        ready(model, "int8", "cuda:0")
