"""A text encoder read from a folder: tokens once, vectors in batches, pooled and normalised as the folder says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, AutoTokenizer

from models.dtypes import DTYPES, ready
from models.quiet import hush
from models.specs import ModelError

Role = Literal["query", "document"]
Pooling = Literal["mean", "cls"]
_BATCH_TOKENS = 4_096
# What a folder may call the prefix of each role, in the order in which sentence-transformers looks.
_PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}


@dataclass(frozen=True)
class Reading:
    """How a model's folder wants texts read: pooling, the most tokens of a text (its special ones counted), prefix by role, case."""

    pooling: Pooling
    max_tokens: int
    prefixes: Mapping[str, str]
    lower: bool = False


class Encoder:
    """Texts to vectors of length 1. Made by `loaded`; safe to use from one thread at a time."""

    def __init__(self, tokenizer: Any, model: Any, reading: Reading) -> None:
        self.tokenizer, self.model, self.reading = tokenizer, model, reading
        self.dim = int(model.config.hidden_size)

    @classmethod
    def loaded(
        cls,
        folder: Path,
        device: str = "cpu",
        dtype: str = "fp32",
        *,
        pooling: Pooling | None = None,
        max_tokens: int | None = None,
        prefixes: Mapping[str, str] | None = None,
    ) -> Encoder:
        """The encoder in the folder; what is not given is what sentence-transformers' files in it say. No code of the folder runs."""
        hush()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=DTYPES[dtype])
        limit = min(positions(model.config), tokenizer.model_max_length)
        found = reading(folder, limit, pooling, max_tokens, prefixes)
        return cls(tokenizer, ready(model, dtype, device), found)

    def tokens(self, texts: Sequence[str], role: Role | None = None) -> list[list[int]]:
        """The token ids of each text with the role's prefix and the special tokens, cut at `max_tokens`, not padded."""
        prefix = self.reading.prefixes.get(role, "") if role else ""
        read = [prefix + (text.lower() if self.reading.lower else text) for text in texts]
        if not read:
            return []
        ids = self.tokenizer(
            read, truncation=True, max_length=self.reading.max_tokens, return_attention_mask=False, return_token_type_ids=False
        )["input_ids"]
        return [list(one) for one in ids]

    def vectors(self, batch: Sequence[Sequence[int]]) -> np.ndarray:
        """One vector of length 1 for each list of token ids, fp32, (n, dim), in their order; a batch costs its longest list times n."""
        return self.pooled(*self.padded(batch)) if batch else np.zeros((0, self.dim), np.float32)

    def padded(self, batch: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids padded to the longest list, and where they are no padding, both (n, longest); needs no model, so another thread may."""
        lengths = np.array([len(ids) for ids in batch])
        if lengths.min() == 0:
            raise ValueError("a text has no tokens: even an empty one has the special tokens")
        held = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(held.shape, self.tokenizer.pad_token_id or 0, np.int64)
        ids[held] = np.concatenate([np.asarray(one, np.int64) for one in batch])
        return torch.from_numpy(ids), torch.from_numpy(held)

    def pooled(self, ids: torch.Tensor, held: torch.Tensor) -> np.ndarray:
        """The vectors of a padded batch, (n, dim), fp32: what the model says is pooled and normalised in fp32 whatever it runs with."""
        return self.states(ids, held)[1].cpu().numpy()

    def states(self, ids: torch.Tensor, held: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the model says of each token of a padded batch, (n, longest, dim), and the vectors of length 1, (n, dim), both fp32."""
        ids, mask = ids.to(self.model.device), held.to(self.model.device)
        with torch.inference_mode():
            states = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state.float()
            return states, unit_vectors(states, mask, self.reading.pooling)

    def all_vectors(self, texts: Sequence[str], role: Role, say: Callable[[int], None] = lambda done: None) -> np.ndarray:
        """The vectors of any number of texts, (n, dim), fp32, in their order; `say` is told how many are done."""
        tokens = self.tokens(texts, role)
        found = np.zeros((len(texts), self.dim), np.float32)
        done = 0
        for places in by_length([len(ids) for ids in tokens]):
            found[places] = self.vectors([tokens[place] for place in places])
            done += len(places)
            say(done)
        return found


def unit_vectors(states: torch.Tensor, held: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Vectors of length 1, (n, dim), from states of tokens, (n, longest, dim), `held`, (n, longest), where they are no padding."""
    return torch.nn.functional.normalize(pooled(states, held, pooling), dim=1)


def pooled(states: torch.Tensor, held: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """One vector a text, (n, dim), of the states of its tokens: the first one's, or the mean of all."""
    return states[:, 0] if pooling == "cls" else (states * held[..., None]).sum(1) / held.sum(1, keepdim=True)


def by_length(lengths: Sequence[int]) -> list[npt.NDArray[np.int64]]:
    """Places in batches of about so many padded tokens, shortest first."""
    order = np.argsort(lengths, kind="stable")
    found, start = [], 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * lengths[order[end]] <= _BATCH_TOKENS:
            end += 1
        found.append(order[start:end])
        start = end
    return found


def reading(
    folder: Path, limit: int, pooling: Pooling | None = None, max_tokens: int | None = None, prefixes: Mapping[str, str] | None = None
) -> Reading:
    """How texts are read: what is given, else what the folder's files of sentence-transformers say; ModelError where neither does."""
    said = _pooling(folder)
    if pooling is None and said is None:
        raise ModelError(f"{folder}: nothing says how token states become one vector; name the pooling (mean or cls)")
    sentence = _json(folder / "sentence_bert_config.json")
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    named = {role: prompts[name] for role, names in _PROMPTS.items() for name in reversed(names) if name in prompts}
    longest = max_tokens or sentence.get("max_seq_length") or limit
    return Reading(pooling or said or "mean", min(int(longest), limit), {**named, **(prefixes or {})}, bool(sentence.get("do_lower_case")))


def _pooling(folder: Path) -> Pooling | None:
    """The pooling that modules.json asks for; None where there is no such file; ModelError where it asks for what is not built here."""
    file = folder / "modules.json"
    if not file.is_file():
        return None
    found: Pooling | None = None
    for module in json.loads(file.read_bytes()):
        kind, path = str(module["type"]).rsplit(".", 1)[-1], str(module.get("path", ""))
        if kind == "Pooling":
            found = _mode(folder, _json(folder / path / "config.json"))
        elif kind not in ("Transformer", "Normalize") or (kind == "Transformer" and path):
            raise ModelError(f"{folder}: module {kind} is not built here; Transformer (in the folder itself), Pooling and Normalize are")
    return found


def _mode(folder: Path, config: Mapping[str, Any]) -> Pooling:
    """The pooling that a module's settings name, by either of the spellings that sentence-transformers has had."""
    old = {name.removeprefix("pooling_mode_").split("_token")[0] for name, on in config.items() if name.startswith("pooling_mode_") and on}
    modes = {str(config["pooling_mode"])} if "pooling_mode" in config else old
    if modes not in ({"mean"}, {"cls"}) or config.get("include_prompt") is False:
        raise ModelError(f"{folder}: pools by {', '.join(sorted(modes)) or 'nothing'}; only mean or cls over all tokens is built here")
    return "cls" if modes == {"cls"} else "mean"


def positions(config: Any) -> int:
    """The most tokens that the model has positions for; those of RoBERTa begin after the padding's."""
    most = int(config.max_position_embeddings)
    return most - config.pad_token_id - 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else most


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_bytes())) if file.is_file() else {}
