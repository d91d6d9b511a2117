"""The loss against its formula in plain float64, values and gradients, one pair and one candidate at a time."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sampled_softmax import Meeting, SearchLoss, sampled_softmax

DIM = 6


def units(luck: np.random.Generator, rows: int) -> torch.Tensor:
    vectors = luck.normal(size=(rows, DIM))
    return torch.from_numpy(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def plain(met: Meeting, counts: list[Counter[int]], pairs: Counter[tuple[int, int]], temperature: float) -> float:
    """The mean of both losses by the formula; counts: of queries, positives and negatives, this batch included."""
    queries, positives, negatives = counts
    total = 0.0
    asked, good, bad = (ids.tolist() for ids in (met.query_ids, met.positive_ids, met.negative_ids))
    for i, (q, p) in enumerate(zip(asked, good, strict=True)):
        vector = met.query[i].detach().numpy()
        own = vector @ met.positive[i].detach().numpy() / temperature - math.log(pairs[q, p] / queries[q])
        for ids, vectors, seen in ((good, met.positive, positives), (bad, met.negatives, negatives)):
            below = math.exp(own)
            for j, n in enumerate(ids):
                false_negative = n == p or (ids is good and asked[j] == q)
                if not false_negative:
                    expected = len(ids) * seen[n] / sum(seen.values())
                    below += math.exp(vector @ vectors[j].detach().numpy() / temperature - math.log(expected))
            total += math.log(below) - own
    return total / len(asked)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 9), st.integers(1, 4))
def test_the_loss_is_the_formula_over_all_that_was_seen(seed: int, pairs: int, negatives: int, batches: int) -> None:
    luck = np.random.default_rng(seed)
    loss = SearchLoss(temperature=0.3, width=1 << 12).double()
    counts = [Counter[int](), Counter[int](), Counter[int]()]
    both = Counter[tuple[int, int]]()
    for _ in range(batches):
        ids = [torch.from_numpy(luck.integers(-4, 4, size)) for size in (pairs, pairs, negatives)]
        met = Meeting(units(luck, pairs), units(luck, pairs), units(luck, negatives), *ids)
        for seen, some in zip(counts, ids, strict=True):
            seen.update(some.tolist())
        both.update(zip(ids[0].tolist(), ids[1].tolist(), strict=True))
        assert loss(met).item() == pytest.approx(plain(met, counts, both, loss.temperature.item()), rel=1e-9)


def test_gradients_are_those_of_the_formula() -> None:
    luck = np.random.default_rng(3)
    query, positive, negatives = (units(luck, rows).requires_grad_() for rows in (4, 4, 5))
    logs = torch.from_numpy(luck.normal(size=4)), torch.from_numpy(luck.normal(size=5))
    masked = torch.from_numpy(luck.random((4, 5)) < 0.3)
    temperature = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    arguments = (query, positive, negatives, *logs, masked, temperature)
    assert torch.autograd.gradcheck(
        lambda q, p, n, t: sampled_softmax(q, p, n, *logs, masked, t), (query, positive, negatives, temperature)
    )
    sampled_softmax(*arguments).sum().backward()
    for i in range(4):  # by hand: the gradient of a query is what the candidates' probabilities draw it to
        logits = [float(query[i] @ positive[i]) / 0.2 - float(logs[0][i])]
        logits += [float(query[i] @ negatives[j]) / 0.2 - float(logs[1][j]) if not masked[i, j] else -math.inf for j in range(5)]
        odds = np.exp(np.array(logits) - max(logits))
        odds /= odds.sum()
        candidates = torch.cat([positive[i : i + 1], negatives]).detach().numpy()
        assert query.grad is not None
        assert query.grad[i].numpy() == pytest.approx((odds @ candidates - candidates[0]) / 0.2, abs=1e-12)


def test_what_is_no_negative_is_left_out() -> None:
    query, positive, ids = torch.eye(DIM)[:2], torch.eye(DIM)[:2], torch.tensor([1, 2])
    same_query = SearchLoss()(Meeting(query, positive, torch.zeros(0, DIM), torch.tensor([7, 7]), ids, torch.zeros(0, dtype=torch.int64)))
    assert float(same_query) == pytest.approx(0.0, abs=1e-6), "two entities of one query are no negatives of each other"
    same_entity = SearchLoss()(Meeting(query, positive, positive, ids, torch.tensor([5, 5]), torch.tensor([5, 5])))
    assert float(same_entity) == pytest.approx(0.0, abs=1e-6), "an entity is no negative of itself, drawn at random or with another query"


def test_a_temperature_starts_at_its_value_and_never_falls_below_the_coldest() -> None:
    loss = SearchLoss()
    assert float(loss.temperature) == pytest.approx(0.07)
    loss.log_temperature.data.fill_(-20.0)
    assert float(loss.temperature) == pytest.approx(0.01)


def test_what_has_no_vector_is_left_out_as_if_it_were_not_there() -> None:
    luck = np.random.default_rng(4)
    query, positive, negatives = units(luck, 6), units(luck, 6), units(luck, 8)
    ids = [torch.from_numpy(luck.integers(0, 5, size)) for size in (6, 6, 8)]
    own, other = torch.tensor([1, 0, 1, 1, 0, 1], dtype=torch.bool), torch.tensor([0, 1, 1, 0, 1, 1, 1, 0], dtype=torch.bool)
    masked, filtered = SearchLoss(width=1 << 10).double(), SearchLoss(width=1 << 10).double()
    for _ in range(2):
        whole = Meeting(query, positive * own[:, None], negatives * other[:, None], *ids, own, other)
        few = Meeting(query[own], positive[own], negatives[other], ids[0][own], ids[1][own], ids[2][other])
        assert masked(whole).item() == pytest.approx(filtered(few).item(), rel=1e-12)
    nothing = torch.zeros(6, dtype=torch.bool)
    empty = SearchLoss(width=1 << 10).double()(Meeting(query.requires_grad_(), positive, negatives, *ids, nothing, other))
    empty.backward()
    assert empty.item() == 0
    assert query.grad is not None
    assert not query.grad.any()


def test_nested_widths_are_losses_of_their_own() -> None:
    luck = np.random.default_rng(9)
    met = Meeting(units(luck, 3), units(luck, 3), units(luck, 4), torch.arange(3), torch.arange(3), torch.arange(4))
    whole, nested = (float(SearchLoss(nested=widths).double()(met)) for widths in ((), (2,)))

    def cut(vectors: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(vectors[:, :2], dim=1)

    small = Meeting(cut(met.query), cut(met.positive), cut(met.negatives), met.query_ids, met.positive_ids, met.negative_ids)
    assert nested == pytest.approx(whole + 0.05 * float(SearchLoss().double()(small)))
