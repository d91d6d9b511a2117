"""Which weights of a body learn: all, all but the word embeddings, or differences of low rank (peft's LoRA); and one body again after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from models.recipe import Recipe
from models.specs import ModelError
from models.teacher import base

EMBEDDING_RANK = 8


def body_to_train(folder: Path, recipe: Recipe) -> tuple[Any, Any]:
    """Tokenizer and body of a model's folder, with the recipe's weights open to training and all others closed."""
    if recipe.four_bit:
        tokenizer, body = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False), _in_four_bits(folder)
    else:
        tokenizer, body = base(folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if recipe.gradient_checkpointing:
        body.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    embeddings = body.get_input_embeddings()
    if recipe.lora_rank:
        targets: Any = "all-linear" if recipe.word_embeddings != "low_rank" else [*_linear(body), _name(body, embeddings)]
        body = _adapted(body, recipe.lora_rank, targets)
        embeddings.weight.requires_grad_(recipe.word_embeddings == "trained")
    elif recipe.word_embeddings == "low_rank":
        body = _adapted(body, EMBEDDING_RANK, [_name(body, embeddings)])
        body.requires_grad_(True)
        embeddings.weight.requires_grad_(False)
    else:
        embeddings.weight.requires_grad_(recipe.word_embeddings == "trained")
    return tokenizer, body


def merged(body: Any, folder: Path, recipe: Recipe) -> Any:
    """A body without adapters that says the same; of one in 4 bits, the folder's own weights with the differences that were learnt."""
    if not hasattr(body, "merge_and_unload"):
        return body
    if recipe.four_bit:
        from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

        whole = get_peft_model(base(folder)[1], body.peft_config["default"])
        set_peft_model_state_dict(whole, get_peft_model_state_dict(body))
        body = whole
    return body.merge_and_unload()


def _adapted(body: Any, rank: int, targets: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(body, LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=targets))


def _linear(body: Any) -> list[str]:
    return [name for name, module in body.named_modules() if isinstance(module, torch.nn.Linear)]


def _name(body: Any, module: Any) -> str:
    return next(name for name, one in body.named_modules() if one is module)


def _in_four_bits(folder: Path) -> Any:
    """The body in 4 bits on the CUDA device; ModelError where there is none, or no bitsandbytes."""
    from importlib.util import find_spec

    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise ModelError("four_bit needs a CUDA device and bitsandbytes (pip install bitsandbytes); leave it out to train by LoRA alone")
    from transformers import BitsAndBytesConfig

    how = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    return AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, quantization_config=how, device_map={"": 0}
    )
