"""A count-min sketch (Cormode and Muthukrishnan 2005): how often ids were seen, never too few, in a memory that does not grow."""

from __future__ import annotations

import torch

PRIME = (1 << 31) - 1


class CountMin(torch.nn.Module):
    """Counts of int64 ids in `depth` rows of `width` counters. A count is too large by more than e / width of all that was seen with a
    chance of at most exp(-depth). Its counts are buffers, so that a checkpoint has them."""

    counts: torch.Tensor
    seen: torch.Tensor
    factors: torch.Tensor

    def __init__(self, width: int, depth: int = 4, seed: int = 1) -> None:
        super().__init__()
        luck = torch.Generator().manual_seed(seed)
        self.register_buffer("counts", torch.zeros(depth, width, dtype=torch.int64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("factors", torch.randint(1, PRIME, (4, depth), generator=luck))

    def places(self, ids: torch.Tensor) -> torch.Tensor:
        """The counter of each id in each row, (n, depth): multiply-add hashes modulo a prime over both halves of the id."""
        low, high = (ids & 0xFFFFFFFF) % PRIME, ((ids >> 32) & 0xFFFFFFFF) % PRIME
        a, b, c, d = self.factors
        # Products of two numbers below 2^31 stay below 2^62.
        mixed = (low[:, None] * a) % PRIME + (high[:, None] * b) % PRIME
        mixed = (mixed % PRIME * c + d) % PRIME
        return mixed % self.counts.shape[1]

    def add(self, ids: torch.Tensor) -> None:
        """Counts the ids, (n,), repeats as often as they come."""
        places = self.places(ids)
        for row, counts in zip(places.T, self.counts, strict=True):
            counts.index_add_(0, row, torch.ones_like(row))
        self.seen += len(ids)

    def of(self, ids: torch.Tensor) -> torch.Tensor:
        """How often each was seen at most, (n,), int64."""
        places = self.places(ids)
        return torch.stack([counts[row] for row, counts in zip(places.T, self.counts, strict=True)]).min(0).values
