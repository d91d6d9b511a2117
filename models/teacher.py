"""The teacher: a cross-encoder that reads a query with an entity's text and tells probabilities of five grades (arXiv 2410.17152, 3.1).

A folder of it is a Hugging Face folder (config.json, model.safetensors, tokenizer) with `head.safetensors` and `teacher.json` beside.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from models.dtypes import DTYPES
from models.specs import ModelError

GRADES = 5
READING, HEAD = "teacher.json", "head.safetensors"
Pooling = Literal["mean", "cls", "last"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "last")
Pair = tuple[list[int], list[int]]
"""Token ids of a query with a text, and which of the two each belongs to (0 and 1)."""


@dataclass(frozen=True)
class Reading:
    """How pairs are read: what stands for a pair among its tokens' states, and the most tokens of a pair, special ones counted.

    `mean` over all tokens or `cls`, the first, for encoders; `last` for decoders, whose last token has seen all others.
    """

    pooling: Pooling
    max_tokens: int

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS or self.max_tokens < 8:
            raise ModelError(f"pooling is one of {', '.join(POOLINGS)} and max_tokens at least 8, got {self.pooling} and {self.max_tokens}")


class Network(torch.nn.Module):
    """The body of a model of transformers with one linear layer to five logits; what is trained."""

    def __init__(self, body: Any, pooling: Pooling, head: torch.nn.Linear | None = None) -> None:
        super().__init__()
        self.body, self.pooling = body, pooling
        self.head = torch.nn.Linear(int(body.config.hidden_size), GRADES) if head is None else head

    def pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None) -> torch.Tensor:
        """What stands for each pair, (n, hidden), fp32."""
        # Only BERT's family tells the two texts apart by type.
        types = {"token_type_ids": token_type_ids} if getattr(self.body.config, "type_vocab_size", 0) > 1 else {}
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state.float()
        if self.pooling == "cls":
            return states[:, 0]
        if self.pooling == "last":
            return states[torch.arange(len(states)), attention_mask.sum(1) - 1]
        held = attention_mask[..., None].float()
        return (states * held).sum(1) / held.sum(1)

    def forward(self, **batch: torch.Tensor) -> torch.Tensor:
        """Five logits for each pair, (n, 5), fp32."""
        logits: torch.Tensor = self.head(self.pooled(**batch))
        return logits


class Teacher:
    """Pairs to probabilities. Made by `loaded`; safe to use from one thread at a time."""

    def __init__(self, tokenizer: Any, network: Network, reading: Reading) -> None:
        self.tokenizer, self.network, self.reading = tokenizer, network, reading

    @classmethod
    def loaded(cls, folder: Path, device: str = "cpu", dtype: str = "fp32") -> Teacher:
        """The teacher in the folder; ModelError where it is none. No code of the folder runs."""
        if not (folder / READING).is_file() or not (folder / HEAD).is_file():
            raise ModelError(f"{folder} is no teacher: it lacks {READING} or {HEAD}; train one with pinlake run teacher")
        reading = Reading(**json.loads((folder / READING).read_bytes()))
        tokenizer, body = base(folder, dtype)
        weights = load_file(folder / HEAD)
        head = torch.nn.Linear(int(body.config.hidden_size), GRADES)
        head.load_state_dict(weights)
        network = Network(body, reading.pooling, head)
        return cls(tokenizer, network.eval().requires_grad_(False).to(device), reading)

    def save(self, folder: Path) -> None:
        """Writes the folder that `loaded` reads, in fp32."""
        self.network.body.float().save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        save_file(
            {name: weight.detach().float().contiguous().cpu() for name, weight in self.network.head.state_dict().items()}, folder / HEAD
        )
        (folder / READING).write_text(json.dumps(asdict(self.reading), indent=1) + "\n", encoding="utf-8")

    def pairs(self, queries: Sequence[str], texts: Sequence[str]) -> list[Pair]:
        """The tokens of each query with its text, not padded; what is too long is cut from the end of the longer of the two."""
        if not queries:
            return []
        if self.reading.pooling == "last":
            joined = [f"query: {query}\n{text}" for query, text in zip(queries, texts, strict=True)]
            found = self.tokenizer(joined, truncation=True, max_length=self.reading.max_tokens)
            return [(list(ids), [0] * len(ids)) for ids in found["input_ids"]]
        found = self.tokenizer(
            list(queries), list(texts), truncation="longest_first", max_length=self.reading.max_tokens, return_token_type_ids=True
        )
        return [(list(ids), list(types)) for ids, types in zip(found["input_ids"], found["token_type_ids"], strict=True)]

    def padded(self, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
        """A batch as tensors, padded behind to the longest pair; needs no model, so another thread may."""
        lengths = np.array([len(ids) for ids, _ in pairs])
        held = np.arange(lengths.max()) < lengths[:, None]
        tensors = {}
        for name, padding, column in (("input_ids", self.tokenizer.pad_token_id or 0, 0), ("token_type_ids", 0, 1)):
            filled = np.full(held.shape, padding, np.int64)
            filled[held] = np.concatenate([np.asarray(pair[column], np.int64) for pair in pairs])
            tensors[name] = torch.from_numpy(filled)
        return {**tensors, "attention_mask": torch.from_numpy(held.astype(np.int64))}

    def probabilities(self, batch: dict[str, torch.Tensor]) -> npt.NDArray[np.float32]:
        """Probabilities of the grades 1 .. 5 for each pair of a padded batch, (n, 5), fp32."""
        device = self.network.head.weight.device
        with torch.inference_mode():
            logits = self.network(**{name: tensor.to(device) for name, tensor in batch.items()})
            found: npt.NDArray[np.float32] = logits.softmax(1).cpu().numpy()
        return found


def base(folder: Path, dtype: str = "fp32") -> tuple[Any, Any]:
    """Tokenizer and body of a model's folder, pooled or not; ModelError where weights are missing. No code of the folder runs."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    body, told = AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=DTYPES[dtype], output_loading_info=True
    )
    missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(f"{folder}: {len(missing)} weights are missing, such as {missing[0]}")
    return tokenizer, body
