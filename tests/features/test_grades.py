"""What raters said, as probabilities of five grades: against plain Python."""

from __future__ import annotations

import math
import random
import statistics
from collections import defaultdict
from itertools import combinations
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.grades import FLOOR, aggregated, on_grades, target
from schemas.raw import HUMAN_LABELS
from tests.replay import frame

DAY = "2026-01-05"


def label(number: int, **other: Any) -> dict[str, Any]:
    """A row of raw.human_labels about the pair (lamp, pin p)."""
    return {"ds": DAY, "label_id": f"l{number}", "query": "lamp", "entity_type": "pin", "entity_id": "p", **other}


def density(mean: float, spread: float) -> list[float]:
    """Probabilities of five grades around a mean."""
    weights = [math.exp(-((grade - mean) ** 2) / (2 * spread**2)) for grade in range(1, 6)]
    return [weight / sum(weights) for weight in weights]


def test_raters_are_put_together_as_by_hand(spark: SparkSession) -> None:
    rng = random.Random(7)
    rows, given = [], defaultdict(list)
    for n in range(600):
        day, query, grade = rng.choice([DAY, "2026-01-06"]), f"q{rng.randrange(90)}", rng.choice([1, 2, 3, 4, 5, None])
        rows.append(label(n, ds=day, query=query, grade=grade, rater_id=f"r{n}"))
        given[day, query].append(grade)
    found = {(r.ds, r.query): r for r in aggregated(frame(spark, HUMAN_LABELS, rows)).collect()}
    assert set(found) == set(given)
    for key, all_grades in given.items():
        row, grades = found[key], sorted(g for g in all_grades if g is not None)
        if not grades:
            assert row.refused == "no rater could tell"
            continue
        pairs = [a == b for a, b in combinations(grades, 2)]
        spread = statistics.pstdev(grades)
        assert row.refused is None
        assert (row.grade, row.raters) == (statistics.median_low(grades), len(grades))
        assert row.mean == pytest.approx(statistics.mean(grades))
        assert row.spread == pytest.approx(spread)
        assert row.agreement == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)
        assert row.target == pytest.approx(density(statistics.mean(grades), max(FLOOR, spread)))


def test_an_aggregate_keeps_its_level_and_its_spread_widens_the_target(spark: SparkSession) -> None:
    rows = [
        label(1, query="sure", grade_mean=4.0, grade_std=0.0, grade=5, scale="median_1_4"),
        label(2, query="split", grade_mean=2.0, grade_std=0.943, scale="median_1_4"),
        label(3, query="mean", grade_mean=3.5, grade_std=None, raters=12, scale="mean_0_4"),
    ]
    found = {r.query: r for r in aggregated(frame(spark, HUMAN_LABELS, rows)).collect()}
    assert [found[q].mean for q in ("sure", "split", "mean")] == pytest.approx([5, 1 + 4 / 3, 4.5])
    assert [found[q].grade for q in ("sure", "split", "mean")] == [5, None, None], "a grade that cannot be decoded stays unknown"
    assert [found[q].raters for q in ("sure", "split", "mean")] == [None, None, 12]
    assert [(found[q].level_low, found[q].level_high, found[q].level) for q in ("sure", "mean")] == [(1, 4, 4.0), (0, 4, 3.5)]
    assert found["sure"].target == pytest.approx(density(5, FLOOR * 4 / 3))
    assert found["split"].target == pytest.approx(density(1 + 4 / 3, 0.943 * 4 / 3))
    assert found["mean"].target == pytest.approx(density(4.5, FLOOR))
    assert all(sum(r.target) == pytest.approx(1) for r in found.values())


def test_several_aggregates_are_put_together_as_if_their_raters_had_been_one_group(spark: SparkSession) -> None:
    votes = {"same": [[4, 4, 3], [4, 3, 3]], "apart": [[1, 1, 1], [4, 4, 4], [2, 3, 4]]}
    rows = []
    for query, groups in votes.items():
        for n, group in enumerate(groups):
            about = {"grade_mean": statistics.fmean(group), "grade_std": statistics.pstdev(group), "raters": 3, "scale": "mean_1_4"}
            rows.append(label(10 * n + len(rows), query=query, grade=4 if query == "same" else n + 1, **about))
    found = {r.query: r for r in aggregated(frame(spark, HUMAN_LABELS, rows)).collect()}
    for query, groups in votes.items():
        everybody = [vote for group in groups for vote in group]
        assert found[query].level == pytest.approx(statistics.mean(everybody))
        assert found[query].spread == pytest.approx(statistics.pstdev(everybody) * 4 / 3)
        assert found[query].raters == len(everybody)
    assert (found["same"].grade, found["apart"].grade) == (4, None)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"grade": None, "rater_id": "a"}], "no rater could tell"),
        ([{"grade": 3, "query": " "}], "empty query"),
        (
            [{"grade_mean": 3.0, "scale": "median_1_4"}, {"grade_mean": 3.0, "scale": "median_1_5"}],
            "aggregates on several scales of one pair on one day",
        ),
        ([{"grade_mean": 3.0, "scale": "median_1_4"}, {"grade": 3}], "an aggregate and single raters of one pair on one day"),
        ([{"grade_mean": 3.0, "scale": "stars"}], "unknown scale stars: write mean_LOW_HIGH or median_LOW_HIGH"),
        ([{"grade_mean": 3.0}], "unknown scale none: write mean_LOW_HIGH or median_LOW_HIGH"),
        ([{"grade_mean": 3.0, "scale": "mean_4_4"}], "unknown scale mean_4_4: write mean_LOW_HIGH or median_LOW_HIGH"),
        ([{"grade_mean": 4.5, "scale": "mean_1_4"}], "grade_mean lies outside its scale"),
        ([{"grade_mean": float("nan"), "scale": "mean_1_4"}], "grade_mean lies outside its scale"),
    ],
)
def test_what_makes_no_example_says_why(spark: SparkSession, rows: list[dict[str, Any]], reason: str) -> None:
    labels = frame(spark, HUMAN_LABELS, [label(n, **row) for n, row in enumerate(rows)])
    (found,) = aggregated(labels).collect()
    assert found.refused == reason


def test_the_ends_of_a_scale_are_the_ends_of_the_grades(spark: SparkSession) -> None:
    levels = spark.createDataFrame([(n,) for n in (1, 2, 3, 4)], "level int")
    found = levels.select(on_grades(F.col("level"), F.lit(1), F.lit(4)).alias("grade")).collect()
    assert [row.grade for row in found] == pytest.approx([1, 1 + 4 / 3, 1 + 8 / 3, 5])
    peak = levels.select(target(F.lit(3.0), F.lit(0.5)).alias("target")).first()
    assert peak is not None
    assert peak.target == pytest.approx(density(3.0, 0.5))
