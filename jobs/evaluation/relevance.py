"""How well scores of (query, entity) pairs agree with what people graded: measures, intervals by query, and differences of systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NDCG_AT, PRECISION_AT, SDCG_AT = 20, 8, 25
_BINS = 10
RESAMPLED = 1_000


@dataclass(frozen=True)
class Graded:
    """What people said of n pairs: the query of each as a number, and its level on their own scale, whole numbers from `low` to `high`."""

    query: Ints
    level: Ints
    low: int
    high: int

    def __post_init__(self) -> None:
        if len(self.query) != len(self.level):
            raise ValueError(f"{len(self.query)} queries and {len(self.level)} levels: one of each for every pair")
        if len(self.level) and not (self.low <= self.level.min() and self.level.max() <= self.high):
            raise ValueError(f"levels lie between {self.low} and {self.high}")

    def __len__(self) -> int:
        return len(self.level)

    @property
    def thresholds(self) -> range:
        """The levels from which AUROC is told: the upper ones, three of them where there are as many (3+ 4+ 5+, or 2+ 3+ 4+ of four)."""
        return range(max(self.low + 1, self.high - 2), self.high + 1)

    @property
    def relevant(self) -> int:
        """The level from which a pair counts as relevant for precision: the second highest."""
        return self.high - 1


@dataclass(frozen=True)
class System:
    """What something says of the same pairs: a score to order them by and, where it tells levels, their probabilities (n, levels)."""

    score: Floats
    probabilities: Floats | None = None


@dataclass(frozen=True)
class Measured:
    """A value, over how many pairs, and the middle 95 % of the values of resampled queries; None where there is nothing to measure."""

    value: float | None
    count: int
    lower: float | None = None
    upper: float | None = None


def on_levels(probabilities: Floats, low: int, high: int) -> Floats:
    """Probabilities of the grades 1 .. 5 as those of the levels of another scale, (n, levels).

    The ends of the scales meet (features/grades.py); a grade between two levels gives to each what it is nearer.
    """
    levels = high - low + 1
    place = np.arange(5) * (levels - 1) / 4
    below = np.minimum(place.astype(np.int64), levels - 2)
    shares = np.zeros((5, levels))
    shares[np.arange(5), below] = 1 - (place - below)
    shares[np.arange(5), below + 1] = place - below
    return probabilities @ shares


def measures(graded: Graded, system: System) -> dict[str, Callable[[Floats], float]]:
    """By name, what gives the measure under weights of the pairs, nan where it is not defined.

    All pairs of a query have one weight: how often the query was drawn. nDCG and sDCG take a level above the lowest as gain, and the mean
    over queries; a query without any gain does not count. Pairs with one score share their places.
    """
    found: dict[str, Callable[[Floats], float]] = {}
    for level in graded.thresholds:
        found[f"auroc_{level}+"] = _auroc(graded.level >= level, system.score)
    gains = (graded.level - graded.low).astype(np.float64)
    by_query = _ranked(graded, system.score)
    found[f"ndcg@{NDCG_AT}"] = _mean_of_queries(graded, by_query, gains, _ndcg)
    found[f"sdcg@{SDCG_AT}"] = _mean_of_queries(graded, by_query, gains / (graded.high - graded.low), _sdcg)
    relevant = (graded.level >= graded.relevant).astype(np.float64)
    found[f"precision@{PRECISION_AT}"] = _mean_of_queries(graded, by_query, relevant, _precision)
    if system.probabilities is not None:
        said = system.probabilities.argmax(axis=1) + graded.low
        right = said == graded.level
        found["accuracy"] = lambda weight: _mean(right.astype(np.float64), weight)
        found["kappa"] = _kappa(graded, said)
        found["calibration_error"] = _calibration_error(system.probabilities.max(axis=1), right)
    return found


def measured(graded: Graded, system: System, resampled: int = RESAMPLED, seed: int = 1) -> dict[str, Measured]:
    """All measures with intervals by resampled queries; the same for the same pairs."""
    weights = _drawn(graded, resampled, seed)
    found = {}
    for name, of in measures(graded, system).items():
        value = of(np.ones(len(graded)))
        found[name] = Measured(None, len(graded)) if np.isnan(value) else Measured(value, len(graded), *_middle([of(w) for w in weights]))
    return found


def differences(graded: Graded, a: System, b: System, resampled: int = RESAMPLED, seed: int = 1) -> dict[str, Measured]:
    """a's measures minus b's, of those that both have, with intervals over the same resampled queries for both."""
    weights = _drawn(graded, resampled, seed)
    of_a, of_b = measures(graded, a), measures(graded, b)
    found = {}
    for name in of_a:
        if name not in of_b:
            continue
        one = np.ones(len(graded))
        value = of_a[name](one) - of_b[name](one)
        found[name] = Measured(None if np.isnan(value) else value, len(graded), *_middle([of_a[name](w) - of_b[name](w) for w in weights]))
    return found


def _drawn(graded: Graded, resampled: int, seed: int) -> list[Floats]:
    """Weights of the pairs: how often their query was drawn, of as many draws as there are queries."""
    _, codes = np.unique(graded.query, return_inverse=True)
    queries = int(codes.max()) + 1 if len(codes) else 0
    luck = np.random.default_rng(seed)
    return [luck.multinomial(queries, [1 / queries] * queries)[codes].astype(np.float64) for _ in range(resampled if queries else 0)]


def _middle(values: Sequence[float]) -> tuple[float | None, float | None]:
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return None, None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _auroc(positive: npt.NDArray[np.bool_], score: Floats) -> Callable[[Floats], float]:
    """The chance that a pair at or above the threshold has the higher score, half where they are equal."""
    _, tied = np.unique(score, return_inverse=True)

    def of(weight: Floats) -> float:
        up = np.bincount(tied, weight * positive)
        down = np.bincount(tied, weight * ~positive)
        below = np.cumsum(down) - down
        all_pairs = up.sum() * down.sum()
        return float((up * (below + down / 2)).sum() / all_pairs) if all_pairs else float("nan")

    return of


def _kappa(graded: Graded, said: Ints) -> Callable[[Floats], float]:
    """Cohen's kappa with quadratic weights (Cohen 1968): 1 minus the squared distance seen over the one expected by chance."""
    levels = graded.high - graded.low + 1
    distance = (np.arange(levels)[:, None] - np.arange(levels)[None, :]) ** 2
    cell = (graded.level - graded.low) * levels + (said - graded.low)

    def of(weight: Floats) -> float:
        seen = np.bincount(cell, weight, levels * levels).reshape(levels, levels)
        chance = seen.sum(axis=1)[:, None] * seen.sum(axis=0)[None, :] / seen.sum()
        expected = (distance * chance).sum()
        return float(1 - (distance * seen).sum() / expected) if expected else float("nan")

    return of


def _calibration_error(sure: Floats, right: npt.NDArray[np.bool_]) -> Callable[[Floats], float]:
    """Expected calibration error (Guo et al. 2017, section 2): how far confidence and accuracy are apart, over ten bins of confidence."""
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)

    def of(weight: Floats) -> float:
        apart = np.abs(np.bincount(bins, weight * (sure - right), _BINS))
        return float(apart.sum() / weight.sum())

    return of


def _ranked(graded: Graded, score: Floats) -> Mapping[int, Ints]:
    """The places of each query's pairs, highest score first; ties are broken by what nobody knows of relevance, the place itself."""
    order = np.lexsort((np.arange(len(score)), -score, graded.query))
    queries, starts = np.unique(graded.query[order], return_index=True)
    return {int(query): places for query, places in zip(queries, np.split(order, starts[1:]), strict=True)}


def _mean_of_queries(
    graded: Graded, ranked: Mapping[int, Ints], gains: Floats, formula: Callable[[Floats], float]
) -> Callable[[Floats], float]:
    """The mean of a formula over queries, each by its weight; it is given the gains of a query in the order of the scores."""
    values = np.array([formula(gains[places]) for places in ranked.values()], dtype=np.float64)
    first = np.array([places[0] for places in ranked.values()], dtype=np.int64)
    known = ~np.isnan(values)

    def of(weight: Floats) -> float:
        return _mean(values[known], weight[first[known]])

    return of


def _mean(values: Floats, weight: Floats) -> float:
    total = weight.sum()
    return float((values * weight).sum() / total) if total else float("nan")


def _dcg(gains: Floats) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def _ndcg(gains: Floats) -> float:
    """Discounted cumulative gain of the first 20 over that of the best order (Järvelin and Kekäläinen 2002)."""
    best = _dcg(np.sort(gains)[::-1][:NDCG_AT])
    return _dcg(gains[:NDCG_AT]) / best if best else float("nan")


def _sdcg(gains: Floats) -> float:
    """Discounted gain of the first 25 over that of 25 pairs of the highest level (arXiv 2509.03764): it also tells what is missing."""
    return _dcg(gains[:SDCG_AT]) / _dcg(np.ones(SDCG_AT))


def _precision(relevant: Floats) -> float:
    return float(relevant[:PRECISION_AT].mean())
