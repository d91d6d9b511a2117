"""Tuning a student's encoder: query and text are read apart, and what the head says of their vectors learns a teacher's labels.

A text is read once for all pairs of it in a batch, so that an epoch costs as many readings as there are texts, however many pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.encoder import Encoder, unit_vectors
from models.student import Floats, Head, Pairs

MOST = 24
"""Pairs of one text in an item; a text with more is several items."""


class BiEncoder(torch.nn.Module):
    """An encoder of both sides, `body`, and a student's `head`: five logits a pair."""

    def __init__(self, encoder: Encoder, head: Head) -> None:
        super().__init__()
        self.body, self.head, self._pooling = encoder.model, head, encoder.reading.pooling

    def vectors(self, ids: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, (n, dim), fp32."""
        states = self.body(input_ids=ids, attention_mask=held.long()).last_hidden_state.float()
        return unit_vectors(states, held, self._pooling)

    def forward(
        self,
        queries: torch.Tensor,
        queries_held: torch.Tensor,
        texts: torch.Tensor,
        texts_held: torch.Tensor,
        query_of: torch.Tensor,
        text_of: torch.Tensor,
        graph: torch.Tensor,
        numbers: torch.Tensor,
        weights: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """`logits`, (pairs, 5), fp32, and with `labels`, (pairs, 5), the `loss`."""
        query, text = self.vectors(queries, queries_held)[query_of], self.vectors(texts, texts_held)[text_of]
        with torch.autocast(query.device.type, enabled=False):
            logits = self.head(query, text, graph, numbers)
        return {"logits": logits} if labels is None else {"loss": loss(logits, labels, weights), "logits": logits}


def loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy with probabilities of the grades, each pair by its weight, (n,)."""
    return -((labels * logits.log_softmax(1)).sum(1) * weights).sum() / weights.sum().clamp(min=1e-9)


@dataclass(frozen=True)
class Texts:
    """Texts with their pairs, item by item (models/fine_tuning.py: Labelled). Of the numbers only the first `open` are shown: those that a
    query and a text have wherever they come from."""

    encoder: Encoder
    queries: Sequence[list[int]]
    texts: Sequence[list[int]]
    pairs: Pairs
    target: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    open: int
    items: list[tuple[int, npt.NDArray[np.int64]]] = field(default_factory=list)

    @classmethod
    def of(
        cls, encoder: Encoder, queries: Sequence[str], texts: Sequence[str], pairs: Pairs, target: Any, weight: Any, shown: int
    ) -> Texts:
        """The items of all pairs whose weight is above 0."""
        items = []
        counted = np.flatnonzero(weight > 0)
        order = counted[np.argsort(pairs.text_of[counted], kind="stable")]
        places, starts = np.unique(pairs.text_of[order], return_index=True)
        for text, own in zip(places, np.split(order, starts[1:]), strict=True):
            items += [(int(text), own[start : start + MOST]) for start in range(0, len(own), MOST)]
        return cls(encoder, encoder.tokens(queries, "query"), encoder.tokens(texts, "document"), pairs, target, weight, shown, items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> dict[str, Any]:
        text, pairs = self.items[place]
        return {"of": self, "input_ids": self.texts[text], "text": text, "pairs": pairs}

    def collated(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """What `BiEncoder.forward` takes."""
        places = np.concatenate([row["pairs"] for row in rows])
        asked, query_of = np.unique(self.pairs.query_of[places], return_inverse=True)
        queries = self.encoder.padded([self.queries[n] for n in asked])
        texts = self.encoder.padded([self.texts[row["text"]] for row in rows])
        numbers = _shown(self.pairs.numbers[places], self.open)
        return {
            "queries": queries[0],
            "queries_held": queries[1],
            "texts": texts[0],
            "texts_held": texts[1],
            "query_of": torch.from_numpy(query_of.astype(np.int64)),
            "text_of": torch.from_numpy(np.repeat(np.arange(len(rows)), [len(row["pairs"]) for row in rows])),
            "graph": torch.full((len(places), self.pairs.graph.shape[1]), float("nan")),
            "numbers": torch.from_numpy(numbers),
            "weights": torch.from_numpy(self.weight[places].astype(np.float32)),
            "labels": torch.from_numpy(self.target[places].astype(np.float32)),
        }


def _shown(numbers: Floats, first: int) -> Floats:
    found = numbers.astype(np.float32).copy()
    found[:, first:] = np.nan
    return found
