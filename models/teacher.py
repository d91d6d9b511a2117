"""The teacher: reads a query with an entity's text and tells probabilities of five grades (arXiv 2410.17152, 3.1).

Two readings make them. A cross-encoder, the paper's, reads both together. Untuned encoders read them apart (the prior, models/prior.py).
The logarithms of the two are weighed and shifted by seven numbers, fitted on queries that neither was trained on. The prior may be left
out.

A folder of a teacher is a Hugging Face folder (config.json, model.safetensors, tokenizer) with `head.safetensors` and `teacher.json`
beside, and the prior's encoders below `prior/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from models.dtypes import DTYPES, ready
from models.kinds import TEACHER as READING
from models.late_interaction import Padded
from models.prior import Apart, Prior
from models.quiet import hush
from models.recipe import POOLINGS
from models.specs import ModelError

GRADES = 5
HEAD = "head.safetensors"
Pooling = Literal["mean", "cls", "last"]


class Pair(NamedTuple):
    """Token ids of a query with a text, which of the two each belongs to (0 and 1), and both as the prior reads them."""

    ids: list[int]
    types: list[int]
    apart: Apart = ()


class Batch(NamedTuple):
    """Padded pairs: what the cross-encoder takes, and what each encoder of the prior takes."""

    together: dict[str, torch.Tensor]
    apart: list[Padded]


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


@dataclass(frozen=True)
class Blend:
    """How the two readings become one: logits = together * log p_together + apart * log p_apart + shift."""

    together: float = 1.0
    apart: float = 0.0
    shift: tuple[float, ...] = (0.0,) * GRADES

    def of(self, together: npt.NDArray[np.floating], apart: npt.NDArray[np.floating] | None) -> npt.NDArray[np.float32]:
        """Probabilities, (n, 5), from the logits of the cross-encoder and the probabilities of the prior, None where it is left out."""
        logits = self.together * _log_softmax(together) + np.array(self.shift)
        if apart is not None:
            logits = logits + self.apart * np.log(apart)
        return np.exp(_log_softmax(logits)).astype(np.float32)


def _log_softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    shifted = np.asarray(logits, np.float64) - logits.max(axis=1, keepdims=True)
    found: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


class Pooled(torch.nn.Module):
    """The body of a model of transformers with one linear layer over what stands for a pair."""

    def __init__(self, body: Any, pooling: Pooling, head: torch.nn.Linear) -> None:
        super().__init__()
        self.body, self.pooling, self.head = body, pooling, head

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

    def loss(self, said: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How far what the layer says of pairs is from the labels, both (n, outputs)."""
        raise NotImplementedError

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """`logits`, what the layer says, (n, outputs), fp32, and with `labels`, (n, outputs), the `loss`."""
        logits: torch.Tensor = self.head(self.pooled(input_ids, attention_mask, token_type_ids))
        return {"logits": logits} if labels is None else {"loss": self.loss(logits.float(), labels), "logits": logits}


class Network(Pooled):
    """Five logits a pair; learns probabilities by their cross-entropy."""

    def __init__(self, body: Any, pooling: Pooling, head: torch.nn.Linear | None = None) -> None:
        super().__init__(body, pooling, head or torch.nn.Linear(int(body.config.hidden_size), GRADES))

    def loss(self, said: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy with probabilities of the grades."""
        return -(labels * said.log_softmax(1)).sum(1).mean()


class Teacher:
    """Pairs to probabilities. Made by `loaded`; safe to use from one thread at a time."""

    def __init__(self, tokenizer: Any, network: Network, reading: Reading, prior: Prior | None = None, blend: Blend | None = None) -> None:
        self.tokenizer, self.network, self.reading, self.prior, self.blend = tokenizer, network, reading, prior, blend or Blend()

    @classmethod
    def loaded(cls, folder: Path, device: str = "cpu", dtype: str = "fp32") -> Teacher:
        """The teacher in the folder; ModelError where it is none. No code of the folder runs."""
        if not (folder / READING).is_file() or not (folder / HEAD).is_file():
            raise ModelError(f"{folder} is no teacher: it lacks {READING} or {HEAD}; train one with pinlake run teacher")
        said = json.loads((folder / READING).read_bytes())
        reading = Reading(said["pooling"], said["max_tokens"])
        tokenizer, body = base(folder, dtype)
        weights = load_file(folder / HEAD)
        head = torch.nn.Linear(int(body.config.hidden_size), GRADES)
        head.load_state_dict(weights)
        network = Network(ready(body, dtype, device), reading.pooling, head)
        prior = Prior.of_teacher(folder, said["prior"], reading.max_tokens, device, dtype) if said.get("prior") else None
        blend = Blend(**{**said["blend"], "shift": tuple(said["blend"]["shift"])}) if "blend" in said else None
        return cls(tokenizer, network.eval().requires_grad_(False).to(device), reading, prior, blend)

    def save(self, folder: Path) -> None:
        """Writes the folder that `loaded` reads, in fp32."""
        self.network.body.float().save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        save_file(
            {name: weight.detach().float().contiguous().cpu() for name, weight in self.network.head.state_dict().items()}, folder / HEAD
        )
        prior = self.prior.save(folder) if self.prior else None
        said = {**asdict(self.reading), "blend": asdict(self.blend), "prior": prior}
        (folder / READING).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")

    def pairs(self, queries: Sequence[str], texts: Sequence[str]) -> list[Pair]:
        """The tokens of each query with its text, not padded; what is too long is cut from the end of the longer of the two."""
        if not queries:
            return []
        apart = self.prior.read(queries, texts) if self.prior else [()] * len(queries)
        return [Pair(ids, types, own) for (ids, types), own in zip(self._together(queries, texts), apart, strict=True)]

    def _together(self, queries: Sequence[str], texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        if self.reading.pooling == "last":
            joined = [f"query: {query}\n{text}" for query, text in zip(queries, texts, strict=True)]
            found = self.tokenizer(joined, truncation=True, max_length=self.reading.max_tokens)
            return [(list(ids), [0] * len(ids)) for ids in found["input_ids"]]
        found = self.tokenizer(
            list(queries), list(texts), truncation="longest_first", max_length=self.reading.max_tokens, return_token_type_ids=True
        )
        return [(list(ids), list(types)) for ids, types in zip(found["input_ids"], found["token_type_ids"], strict=True)]

    def padded(self, pairs: Sequence[Pair]) -> Batch:
        """A batch as tensors, padded behind to the longest pair; needs no model, so another thread may."""
        return Batch(padded(pairs, self.tokenizer.pad_token_id or 0), self.prior.padded([p.apart for p in pairs]) if self.prior else [])

    def probabilities(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Probabilities of the grades 1 .. 5 for each pair of a padded batch, (n, 5), fp32."""
        return self.blend.of(self.logits(batch), self.prior.probabilities(batch.apart) if self.prior else None)

    def logits(self, batch: Batch) -> npt.NDArray[np.float32]:
        """What the cross-encoder alone says, (n, 5), fp32."""
        device = self.network.head.weight.device
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = self.network(**{n: t.to(device) for n, t in batch.together.items()})["logits"].cpu().numpy()
        return found


def padded(pairs: Sequence[Pair], padding: int) -> dict[str, torch.Tensor]:
    """input_ids, token_type_ids and attention_mask of pairs, each (n, longest), padded behind."""
    lengths = np.array([len(pair.ids) for pair in pairs])
    held = np.arange(lengths.max()) < lengths[:, None]
    tensors = {}
    for name, filler, columns in (
        ("input_ids", padding, [pair.ids for pair in pairs]),
        ("token_type_ids", 0, [pair.types for pair in pairs]),
    ):
        filled = np.full(held.shape, filler, np.int64)
        filled[held] = np.concatenate([np.asarray(column, np.int64) for column in columns])
        tensors[name] = torch.from_numpy(filled)
    return {**tensors, "attention_mask": torch.from_numpy(held.astype(np.int64))}


def base(folder: Path, dtype: str = "fp32") -> tuple[Any, Any]:
    """Tokenizer and body of a model's folder, pooled or not; ModelError where weights are missing. No code of the folder runs."""
    hush()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    body, told = AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=DTYPES[dtype], output_loading_info=True
    )
    missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(f"{folder}: {len(missing)} weights are missing, such as {missing[0]}")
    return tokenizer, body
