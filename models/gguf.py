"""GGUF files, as llama.cpp writes them, to the folder that transformers reads: the weights unpacked to fp32, once."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from models.specs import ModelError


def convert(file: Path, folder: Path) -> None:
    """Nothing; the folder holds config, tokenizer and weights as safetensors; ModelError where transformers cannot read the file."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    # What from_pretrained(gguf_file=...) does itself, which first asks for a package (accelerate) that is then not used.
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name, local_files_only=True)
        config = AutoConfig.from_pretrained(str(file.parent), gguf_file=file.name, local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, trust_remote_code=False)
        tensors = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=model, torch_dtype=torch.float32)["tensors"]
        missing, _ = model.load_state_dict(tensors, strict=False, assign=True)
    except (struct.error, ValueError, KeyError, IndexError, NotImplementedError, RuntimeError, OSError) as error:
        raise ModelError(f"{file.name}: transformers cannot read this GGUF file: {error}") from error
    model.tie_weights()
    unset = [name for name in missing if model.get_parameter(name).is_meta]
    if unset:
        raise ModelError(f"{file.name}: lacks the tensors of {', '.join(unset[:3])}{' ...' if len(unset) > 3 else ''}")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name in ("config.json", "generation_config.json"):
        _without_version(folder / name)


def _without_version(file: Path) -> None:
    """Nothing; the file does not say which transformers wrote it: equal models have equal bytes."""
    if file.is_file():
        content = json.loads(file.read_bytes())
        content.pop("transformers_version", None)
        file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
