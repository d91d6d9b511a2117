"""Measures of relevance against definitions written out, pair by pair."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.evaluation.relevance import Graded, System, differences, measured, measures, on_levels

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 4)), min_size=2, max_size=25)


def of(rows: list[tuple[int, int, int]], levels: int = 4) -> tuple[Graded, System]:
    """Pairs (query, level, score), the score also read as the most probable level."""
    query, level, score = (np.array(column) for column in zip(*rows, strict=True))
    probabilities = np.full((len(rows), levels), 0.1)
    probabilities[np.arange(len(rows)), np.minimum(score, levels - 1)] = 0.7
    return Graded(query, level, 1, levels), System(score.astype(float), probabilities)


@given(PAIRS)
@settings(max_examples=150, deadline=None)
def test_auroc_and_kappa_are_as_counted_pair_by_pair(rows):
    graded, system = of(rows)
    found = {name: one(np.ones(len(rows))) for name, one in measures(graded, system).items()}
    for level in (2, 3, 4):
        up, down = ([row[2] for row in rows if (row[1] >= level) == side] for side in (True, False))
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(up, down)]
        assert found[f"auroc_{level}+"] == (pytest.approx(sum(wins) / len(wins)) if wins else pytest.approx(math.nan, nan_ok=True))
    said = [min(row[2], 3) + 1 for row in rows]
    seen = sum((row[1] - one) ** 2 for row, one in zip(rows, said, strict=True)) / len(rows)
    chance = sum((row[1] - one) ** 2 for row in rows for one in said) / len(rows) ** 2
    assert found["kappa"] == pytest.approx(1 - seen / chance if chance else math.nan, nan_ok=True)
    assert found["accuracy"] == pytest.approx(sum(row[1] == one for row, one in zip(rows, said, strict=True)) / len(rows))


@given(PAIRS, st.lists(st.integers(0, 3), min_size=4, max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_query_of_weight_two_counts_as_if_it_were_there_twice(rows, drawn):
    graded, system = of(rows)
    weight = np.array([float(drawn[row[0]]) for row in rows])
    copies = [(row[0] + 10 * n, *row[1:]) for row in rows for n in range(drawn[row[0]])]
    if not copies:
        return
    twice = measures(*of(copies))
    for name, one in measures(graded, system).items():
        assert one(weight) == pytest.approx(twice[name](np.ones(len(copies))), nan_ok=True), name


def test_orders_by_hand():
    # Query 1: levels 4, 1, 3 in the order of the scores. Query 2: nothing of any use.
    graded, system = of([(1, 4, 3), (1, 1, 2), (1, 3, 1), (2, 1, 4), (2, 1, 0)])
    found = {name: one(np.ones(5)) for name, one in measures(graded, system).items()}
    best = 3 + 2 / math.log2(3)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, 26))
    assert found["ndcg@20"] == pytest.approx((3 + 2 / 2) / best), "query 2 has no best order"
    assert found["sdcg@25"] == pytest.approx(((1 + 2 / 3 / 2) / ideal + 0) / 2)
    assert found["precision@8"] == pytest.approx((2 / 3 + 0) / 2)


def test_confidence_is_compared_with_accuracy_bin_by_bin():
    graded = Graded(np.arange(4), np.array([1, 2, 2, 1]), 1, 2)
    sure = np.array([0.95, 0.95, 0.65, 0.65])
    system = System(sure, np.stack([sure, 1 - sure], axis=1))
    assert measures(graded, system)["calibration_error"](np.ones(4)) == pytest.approx((0.45 * 2 + 0.15 * 2) / 4)


def test_intervals_are_by_query_and_the_same_again():
    luck = np.random.default_rng(3)
    query = np.repeat(np.arange(30), 20)
    level = luck.integers(1, 6, 600)
    graded = Graded(query, level, 1, 5)
    good, poor = (System(level + luck.normal(0, noise, 600)) for noise in (1.0, 3.0))
    one = measured(graded, good, 200)
    assert one == measured(graded, good, 200)
    assert set(one) == {"auroc_3+", "auroc_4+", "auroc_5+", "ndcg@20", "sdcg@25", "precision@8"}
    assert all(m.lower < m.value < m.upper and m.count == 600 for m in one.values())
    apart = differences(graded, good, poor, 200)["auroc_4+"]
    assert apart.value == pytest.approx(one["auroc_4+"].value - measured(graded, poor, 5)["auroc_4+"].value)
    assert 0 < apart.lower < apart.value < apart.upper
    # Each query twenty times over: pairs alone would make the interval a fifth as wide.
    same = System(np.repeat(luck.normal(0, 1, 30), 20))
    alike = Graded(query, np.repeat(luck.integers(1, 6, 30), 20), 1, 5)
    wide = measured(alike, same, 200)["auroc_4+"]
    narrow = measured(Graded(np.arange(600), alike.level, 1, 5), same, 200)["auroc_4+"]
    assert wide.upper - wide.lower > 2.5 * (narrow.upper - narrow.lower)


def test_what_cannot_be_measured_has_no_value():
    graded = Graded(np.zeros(3, int), np.full(3, 5), 1, 5)
    found = measured(graded, System(np.arange(3.0)), 10)
    assert found["auroc_5+"].value is None
    assert found["ndcg@20"].value == 1
    with pytest.raises(ValueError, match="levels lie between 1 and 4"):
        Graded(np.zeros(1, int), np.array([5]), 1, 4)
    with pytest.raises(ValueError, match="2 queries and 1 levels"):
        Graded(np.zeros(2, int), np.array([1]), 1, 4)


def test_grades_become_levels_of_a_scale_whose_ends_they_share():
    assert on_levels(np.eye(5), 1, 5) == pytest.approx(np.eye(5))
    assert on_levels(np.eye(5), 1, 4) == pytest.approx(
        np.array([[1, 0, 0, 0], [0.25, 0.75, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.75, 0.25], [0, 0, 0, 1]])
    )
    assert on_levels(np.full((1, 5), 0.2), 0, 1).sum() == pytest.approx(1)


def test_ndcg_and_precision_are_what_a_kept_library_says() -> None:
    import ir_measures
    from sklearn.metrics import ndcg_score

    luck = np.random.default_rng(4)
    sizes = [8, 12, 30, 45]
    query = np.repeat(np.arange(len(sizes)), sizes)
    level, score = luck.integers(1, 5, size=sum(sizes)), luck.normal(size=sum(sizes))
    graded = Graded(query, level, 1, 4)
    found = measured(graded, System(score), resampled=0)
    names = [f"d{n}" for n in range(len(query))]
    qrels = [ir_measures.Qrel(str(q), d, int(v) - 1) for q, d, v in zip(query, names, level, strict=True)]
    run = [ir_measures.ScoredDoc(str(q), d, float(s)) for q, d, s in zip(query, names, score, strict=True)]
    ndcg, precision = ir_measures.nDCG @ 20, ir_measures.P(rel=graded.relevant - 1) @ 8
    kept = ir_measures.calc_aggregate([ndcg, precision], qrels, run)
    assert found["ndcg@20"].value == pytest.approx(kept[ndcg], abs=1e-9)
    assert found["precision@8"].value == pytest.approx(kept[precision], abs=1e-9)
    by_query = [ndcg_score([level[query == q] - 1], [score[query == q]], k=20) for q in range(len(sizes))]
    assert found["ndcg@20"].value == pytest.approx(np.mean(by_query), abs=1e-9)
