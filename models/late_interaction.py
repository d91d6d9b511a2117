"""What an encoder that was not tuned says of a query and a text that it reads apart: how well each token of the query is matched.

The late interaction of ColBERT (arXiv 2004.12832, section 3.3) over the token states of a text encoder as it is. A teacher takes these
measures as its prior: a cross-encoder that is tuned on few grades forgets some of what its body knew of words that no rater saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.encoder import Encoder, Role

MEASURES = ("cosine", "mean", "least", "mean_first", "least_first")
"""Cosine of the two vectors; the mean and the least over the query's tokens of the best match in the text, and in the text's first line
alone, which is its title wherever it has one."""


KEPT = 2_048
"""Queries whose states are kept, 15 KB each for ten tokens of the default encoder: a query comes with many texts, in many batches."""


@dataclass(frozen=True)
class Tokens:
    """A query or a text as the encoder reads it: its token ids, the places of its own words (neither prefix nor special tokens), and the
    places of its first line's."""

    ids: list[int]
    words: range
    first: range


@dataclass(frozen=True)
class Padded:
    """A batch as tensors: distinct queries and texts (ids, held, words), the words of the texts' first lines, and each pair's two; and the
    queries' ids, by which they are known again."""

    asked: list[tuple[int, ...]]
    queries: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    texts: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    first: torch.Tensor
    query_of: torch.Tensor
    text_of: torch.Tensor


class LateInteraction:
    """Measures of queries with texts by one encoder. Safe to use from one thread at a time."""

    def __init__(self, encoder: Encoder, max_tokens: int) -> None:
        self.encoder = encoder
        self.max_tokens = min(max_tokens, encoder.reading.max_tokens)
        self._kept: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}

    def tokens(self, texts: Sequence[str], role: Role) -> list[Tokens]:
        """Each text's tokens with the role's prefix, cut at `max_tokens`."""
        if not texts:
            return []
        tokenizer, reading = self.encoder.tokenizer, self.encoder.reading
        prefix = reading.prefixes.get(role, "")
        read = [prefix + (text.lower() if reading.lower else text) for text in texts]
        found = tokenizer(read, truncation=True, max_length=self.max_tokens, return_offsets_mapping=True, return_special_tokens_mask=True)
        return [
            _told(list(ids), np.asarray(offsets), np.asarray(special, bool), len(prefix), one)
            for ids, offsets, special, one in zip(
                found["input_ids"], found["offset_mapping"], found["special_tokens_mask"], read, strict=True
            )
        ]

    def padded(self, queries: Sequence[Tokens], texts: Sequence[Tokens]) -> Padded:
        """A batch of pairs; a query or a text that comes again is read once."""
        own_queries, query_of = _distinct(queries)
        own_texts, text_of = _distinct(texts)
        ids, held = self.encoder.padded([text.ids for text in own_texts])
        query_ids, query_held = self.encoder.padded([query.ids for query in own_queries])
        return Padded(
            [tuple(query.ids) for query in own_queries],
            (query_ids, query_held, _marked([query.words for query in own_queries], query_ids.shape[1])),
            (ids, held, _marked([text.words for text in own_texts], ids.shape[1])),
            _marked([text.first for text in own_texts], ids.shape[1]),
            torch.tensor(query_of),
            torch.tensor(text_of),
        )

    def measures(self, batch: Padded) -> torch.Tensor:
        """The five MEASURES of each pair, (n, 5), fp32, each from -1 to 1; of a query or a text without a word -1."""
        (query, query_vector), (text, text_vector) = self._query_states(batch), self.encoder.states(*batch.texts[:2])
        query, text = (torch.nn.functional.normalize(states, dim=2) for states in (query, text))
        query_of, text_of = batch.query_of.to(query.device), batch.text_of.to(query.device)
        words, text_words, first = (
            marked.to(query.device)[of] for marked, of in ((batch.queries[2], query_of), (batch.texts[2], text_of), (batch.first, text_of))
        )
        near = torch.einsum("nqd,ntd->nqt", query[query_of], text[text_of])
        found = [(query_vector[query_of] * text_vector[text_of]).sum(1)]
        for where in (text_words, first):
            best = near.masked_fill(~where[:, None, :], -1.0).amax(2)
            found.append((best * words).sum(1) / words.sum(1).clamp(min=1))
            found.append(best.masked_fill(~words, 1.0).amin(1))
        told = torch.stack(found, 1)
        return told.masked_fill((~words.any(1) | ~text_words.any(1))[:, None], -1.0)

    def _query_states(self, batch: Padded) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states of a batch's queries, (n, longest, dim), and their vectors, (n, dim); the encoder reads those that are not kept."""
        new = [n for n, ids in enumerate(batch.asked) if ids not in self._kept]
        if len(self._kept) + len(new) > KEPT:
            self._kept, new = {}, list(range(len(batch.asked)))
        if new:
            read = self.encoder.states(*(tensor[new] for tensor in batch.queries[:2]))
            for n, states, vector in zip(new, *read, strict=True):
                self._kept[batch.asked[n]] = (states[: len(batch.asked[n])].clone(), vector)
        found = [self._kept[ids] for ids in batch.asked]
        return torch.nn.utils.rnn.pad_sequence([states for states, _ in found], batch_first=True), torch.stack([v for _, v in found])


def _distinct(tokens: Sequence[Tokens]) -> tuple[list[Tokens], list[int]]:
    """Each once, in order of appearance, and the place of each among them."""
    places: dict[tuple[int, ...], int] = {}
    found: list[Tokens] = []
    for one in tokens:
        if places.setdefault(tuple(one.ids), len(found)) == len(found):
            found.append(one)
    return found, [places[tuple(one.ids)] for one in tokens]


def _told(ids: list[int], offsets: npt.NDArray[np.int64], special: npt.NDArray[np.bool_], prefix: int, text: str) -> Tokens:
    """The places of a text's words, which begin behind the prefix, and of those before its first line's end."""
    own = np.flatnonzero(~special & (offsets[:, 1] > prefix))
    end = text.find("\n", prefix)
    first = own if end < 0 else own[offsets[own, 0] < end]
    return Tokens(ids, _range(own), _range(first))


def _range(places: npt.NDArray[np.int64]) -> range:
    return range(int(places[0]), int(places[-1]) + 1) if len(places) else range(0)


def _marked(places: Sequence[range], width: int) -> torch.Tensor:
    """True at the places of each, (n, width)."""
    start = np.array([one.start for one in places])[:, None]
    stop = np.array([one.stop for one in places])[:, None]
    at = np.arange(width)
    return torch.from_numpy((at >= start) & (at < stop))
