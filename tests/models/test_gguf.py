"""GGUF files: converted once to what transformers reads, with the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, dequantize, quantize
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.specs import ModelError
from models.store import ModelStore

HIDDEN, INNER, HEADS = 64, 96, 2
TOKENS = ["<unk>", "<s>", "</s>", *(chr(c) for c in range(ord("a"), ord("z") + 1)), "ab", "abc", "\u0120"]
MERGES = ["a b", "ab c"]
SHAPES = {
    "token_embd.weight": (len(TOKENS), HIDDEN),
    "output_norm.weight": (HIDDEN,),
    "blk.0.attn_norm.weight": (HIDDEN,),
    "blk.0.ffn_norm.weight": (HIDDEN,),
    **{f"blk.0.attn_{part}.weight": (HIDDEN, HIDDEN) for part in ("q", "k", "v", "output")},
    **{f"blk.0.ffn_{part}.weight": (INNER, HIDDEN) for part in ("gate", "up")},
    "blk.0.ffn_down.weight": (HIDDEN, INNER),
}


def written(path: Path, leave_out: str = "", architecture: str = "llama") -> dict[str, np.ndarray]:
    """Writes a one-layer model in 8-bit blocks; returns the numbers that its blocks hold."""
    random = np.random.default_rng(5)
    writer = GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(32)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    held = {}
    for name, shape in SHAPES.items():
        if name == leave_out:
            continue
        values = random.normal(size=shape, scale=0.3).astype(np.float32)
        kind = GGMLQuantizationType.Q8_0 if len(shape) == 2 else GGMLQuantizationType.F32
        blocks = quantize(values, kind)
        writer.add_tensor(name, blocks, raw_dtype=kind)
        held[name] = dequantize(blocks, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return held


def test_the_converted_folder_holds_the_unpacked_numbers_and_generates(tmp_path):
    held = written(tmp_path / "tiny.gguf")
    found = ModelStore(tmp_path / "store").resolved(f"path:{tmp_path / 'tiny.gguf'}")
    weights = load_file(found.folder / "model.safetensors")
    same = {"model.embed_tokens.weight": "token_embd.weight", "model.layers.0.mlp.down_proj.weight": "blk.0.ffn_down.weight"}
    same |= {"model.layers.0.self_attn.v_proj.weight": "blk.0.attn_v.weight", "model.norm.weight": "output_norm.weight"}
    for ours, theirs in same.items():
        assert np.array_equal(weights[ours], held[theirs]), ours
    # The file keeps the halves of each head's rows of q and k interleaved.
    interleaved = held["blk.0.attn_q.weight"].reshape(HEADS, HIDDEN // HEADS // 2, 2, HIDDEN).swapaxes(1, 2).reshape(HIDDEN, HIDDEN)
    assert np.array_equal(weights["model.layers.0.self_attn.q_proj.weight"], interleaved)
    assert len(weights) == len(SHAPES), "the output layer is the embedding"
    model = AutoModelForCausalLM.from_pretrained(found.folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(found.folder, local_files_only=True)
    assert tokenizer.convert_ids_to_tokens(tokenizer("abcd", add_special_tokens=False)["input_ids"]) == ["abc", "d"]
    ids = model.generate(torch.tensor([[1, 3, 4]]), max_new_tokens=3, do_sample=False)
    assert ids.shape[1] <= 6
    assert "transformers_version" not in (found.folder / "config.json").read_text()


def test_a_file_that_lacks_a_tensor_or_is_of_an_unknown_kind_is_refused(tmp_path):
    written(tmp_path / "a.gguf", leave_out="blk.0.ffn_down.weight")
    with pytest.raises(ModelError, match=r"a.gguf: lacks the tensors of model.layers.0.mlp.down_proj.weight"):
        ModelStore(tmp_path / "store").resolved(f"path:{tmp_path / 'a.gguf'}")
    (tmp_path / "b.gguf").write_bytes((tmp_path / "a.gguf").read_bytes()[:300])
    with pytest.raises(ModelError, match=r"b.gguf: transformers cannot read this GGUF file"):
        ModelStore(tmp_path / "store").resolved(f"path:{tmp_path / 'b.gguf'}")
