"""The loss of OmniSearchSage (arXiv 2404.16260, 3.5): a sampled softmax over other pairs' entities, and one over random ones.

For a query q with the entity p, candidates N and a temperature T:

    -log( exp(q.p / T - log Q(p|q)) / (exp(q.p / T - log Q(p|q)) + sum over n in N of exp(q.n / T - log Q(n))) )

Q corrects for how candidates come into a batch (logQ, Bengio and Senecal 2008): Q(n) is how often n is expected among the candidates,
Q(p|q) which share of q's pairs is with p. Both are estimated from counts of all that was seen so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch.distributed.nn.functional import all_gather

from models.count_min import CountMin

COLDEST = 0.01


def sampled_softmax(
    query: torch.Tensor,
    positive: torch.Tensor,
    candidates: torch.Tensor,
    log_positive: torch.Tensor,
    log_candidates: torch.Tensor,
    masked: torch.Tensor,
    temperature: torch.Tensor,
) -> torch.Tensor:
    """The loss of each pair, (n,). `query`, `positive`: (n, dim); `candidates`: (m, dim); `log_positive`: log Q(p|q), (n,);
    `log_candidates`: log Q(n), (m,); `masked`: which candidates are no negatives of which query, (n, m)."""
    own = (query * positive).sum(1) / temperature - log_positive
    others = (query @ candidates.T) / temperature - log_candidates
    others = others.masked_fill(masked, -torch.inf)
    return torch.logsumexp(torch.cat([own[:, None], others], 1), 1) - own


@dataclass(frozen=True)
class Meeting:
    """Pairs of one task and random entities, as vectors and as ids: query and positive (n, dim), negatives (m, dim); ids int64.

    `positive_known`, (n,), `negative_known`, (m,): which of them have a vector; all where it is None. Those without are left out of the
    loss, but not of the tensors: processes that train together must have as many rows each.
    """

    query: torch.Tensor
    positive: torch.Tensor
    negatives: torch.Tensor
    query_ids: torch.Tensor
    positive_ids: torch.Tensor
    negative_ids: torch.Tensor
    positive_known: torch.Tensor | None = None
    negative_known: torch.Tensor | None = None


class SearchLoss(torch.nn.Module):
    """The loss of one task: its temperature, which is learnt, and its counts.

    `nested`: further widths at which the first numbers of the vectors are vectors of their own, each with `nested_weight` (Matryoshka,
    arXiv 2205.13147). Over several processes each has the pairs of all as candidates.
    """

    def __init__(self, temperature: float = 0.07, width: int = 1 << 18, nested: Sequence[int] = (), nested_weight: float = 0.05) -> None:
        super().__init__()
        self.log_temperature = torch.nn.Parameter(torch.tensor(math.log(temperature)))
        self.nested, self.nested_weight = tuple(nested), nested_weight
        self.queries, self.pairs, self.positives, self.negatives = (CountMin(width, seed=seed) for seed in (1, 2, 3, 4))

    @property
    def temperature(self) -> torch.Tensor:
        """Never below COLDEST: else a few pairs would decide alone."""
        return self.log_temperature.exp().clamp(min=COLDEST)

    def forward(self, met: Meeting) -> torch.Tensor:
        """The mean loss of the pairs that have vectors, in-batch and random added; 0 where none has. Counts what it is given."""
        query_ids, positive_ids, negative_ids = (_gathered(ids) for ids in (met.query_ids, met.positive_ids, met.negative_ids))
        own = torch.ones_like(met.query_ids, dtype=torch.bool) if met.positive_known is None else met.positive_known
        other = torch.ones_like(met.negative_ids, dtype=torch.bool) if met.negative_known is None else met.negative_known
        pairs_known, negatives_known = (_gathered(known.long()).bool() for known in (own, other))
        self._count(query_ids[pairs_known], positive_ids[pairs_known], negative_ids[negatives_known])
        kind = met.query.dtype
        share = _log(self.pairs.of(_pair(met.query_ids, met.positive_ids)), kind) - _log(self.queries.of(met.query_ids), kind)
        positives, negatives = _gathered_vectors(met.positive), _gathered_vectors(met.negatives)
        same = (met.positive_ids[:, None] == positive_ids) | (met.query_ids[:, None] == query_ids)
        in_batch = (positives, _expected(self.positives, positive_ids, pairs_known, kind), same | ~pairs_known)
        same = met.positive_ids[:, None] == negative_ids
        random = (negatives, _expected(self.negatives, negative_ids, negatives_known, kind), same | ~negatives_known)
        total = met.query.new_zeros(())
        for width, weight in ((met.query.shape[1], 1.0), *((width, self.nested_weight) for width in self.nested)):
            query, positive = _first(met.query, width), _first(met.positive, width)
            for candidates, log_candidates, masked in (in_batch, random):
                found = sampled_softmax(query, positive, _first(candidates, width), share, log_candidates, masked, self.temperature)
                total = total + weight * (found * own).sum() / own.sum().clamp(min=1)
        return total

    @torch.no_grad()
    def _count(self, query_ids: torch.Tensor, positive_ids: torch.Tensor, negative_ids: torch.Tensor) -> None:
        self.queries.add(query_ids)
        self.pairs.add(_pair(query_ids, positive_ids))
        self.positives.add(positive_ids)
        self.negatives.add(negative_ids)


def _log(counts: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """Of what was counted; what was not is left out of the loss, and finite."""
    return counts.clamp(min=1).to(kind).log()


def _expected(counts: CountMin, ids: torch.Tensor, known: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """log of how often each id is expected among those that are known: their number times its share of all that were seen."""
    return _log(counts.of(ids), kind) - _log(counts.seen, kind) + _log(known.sum(), kind)


def _pair(query_ids: torch.Tensor, entity_ids: torch.Tensor) -> torch.Tensor:
    """An id of the pair; int64 wraps around."""
    return query_ids * 0x9E3779B1 + entity_ids


def _first(vectors: torch.Tensor, width: int) -> torch.Tensor:
    """The first numbers of vectors of length 1 as vectors of length 1."""
    return vectors if width == vectors.shape[1] else torch.nn.functional.normalize(vectors[:, :width], dim=1)


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _gathered(ids: torch.Tensor) -> torch.Tensor:
    """The ids of all processes, which have as many each."""
    if not _several():
        return ids
    found = [torch.empty_like(ids) for _ in range(dist.get_world_size())]
    dist.all_gather(found, ids)
    return torch.cat(found)


def _gathered_vectors(vectors: torch.Tensor) -> torch.Tensor:
    """The vectors of all processes, through which gradients go back to each."""
    return torch.cat(all_gather(vectors)) if _several() else vectors
