"""Scores: what the teacher said of each candidate, a reason where it said nothing, and nothing at all where it has shifted."""

from __future__ import annotations

import math

import pytest

from features.canaries import canaries
from jobs.labels.teacher_scores import TeacherScoreParams, blocks, build
from tests.features.test_canaries import DDL

ANSWERS = "model_revision string, input_hash string, probabilities array<float>, refused string, precision string"
LOOSE = TeacherScoreParams()


def test_every_candidate_has_a_score_or_a_reason(spark):
    candidates = spark.createDataFrame(
        [("2026-01-05", name, f"h{name}") for name in "abcd"], "ds string, request_key string, input_hash string"
    )
    answers = spark.createDataFrame(
        [
            ("m", "ha", [0.1, 0.2, 0.4, 0.2, 0.1], None, "fp32"),
            ("m", "hb", [0.0, 0.0, 0.0, 0.0, 1.0], None, "bf16"),
            ("m", "hc", None, "no text", None),
        ],
        ANSWERS,
    )
    found = {row.request_key: row for row in build(candidates, answers).collect()}
    entropy = -sum(p * math.log(p) for p in (0.1, 0.2, 0.4, 0.2, 0.1))
    a, b = found["a"], found["b"]
    assert (a.grade, a.expected_grade, a.entropy) == (3, pytest.approx(3.0, abs=1e-6), pytest.approx(entropy, abs=1e-6))
    assert (b.grade, b.expected_grade, b.entropy, b.precision) == (5, 5.0, 0.0, "bf16")
    assert [found[name].refused for name in "abcd"] == [None, None, "no text", "the teacher was not asked"]
    assert found["d"].refused_key == '{"request_key":"d"}'


def graded(spark, n=60):
    return spark.createDataFrame([("2026-01-05", f"q{k % 6}", f"t{k}", 1.0 + k % 5, "test") for k in range(n)], DDL)


def answered(spark, examples, said):
    """Answers to all canaries: one-hot at the grade that `said` gives to (kind, mean)."""
    rows = [(c.input_hash, said(c.kind, c.mean)) for c in canaries(examples).collect()]
    return spark.createDataFrame([("m", h, [float(g == k) for k in range(1, 6)], None, "fp32") for h, g in rows], ANSWERS)


SHIFTS = [
    ("as people", lambda kind, mean: round(mean), None),
    ("too high", lambda kind, mean: 5, "the teacher is +2.00 grades away from them (limit 0.75)"),
    ("the other way round", lambda kind, mean: 6 - round(mean), "its grades go with theirs by -1.00 (limit 0.2)"),
    (
        "talked round",
        lambda kind, mean: 5 if kind == "instruction" else round(mean),
        "words of the probe 'instruction' lift",
    ),
    ("named, and lifted wholly", lambda kind, mean: 5 if kind in ("named", "stuffed") else round(mean), None),
    (
        "stuffed, and lifted above named",
        lambda kind, mean: {"named": 3, "stuffed": 5}.get(kind, round(mean)),
        "words of the probe 'stuffed' lift",
    ),
]


@pytest.mark.parametrize(("said", "why"), [shift[1:] for shift in SHIFTS], ids=[shift[0] for shift in SHIFTS])
def test_a_teacher_that_has_shifted_on_the_canaries_is_not_published(spark, said, why):
    examples = graded(spark)
    found = blocks(answered(spark, examples, said), examples, LOOSE)
    assert (found is None) if why is None else (found is not None and why in found)


def test_few_canaries_decide_nothing_and_their_number_is_a_parameter(spark):
    few = graded(spark, 10)
    wrong = answered(spark, few, lambda kind, mean: 5)
    assert blocks(wrong, few, LOOSE) is None
    assert blocks(wrong, few, TeacherScoreParams(canaries_least=5)) is not None
    assert blocks(wrong.limit(0), few, LOOSE) is None
    with pytest.raises(ValueError, match="bias_most and rise_most are above 0"):
        TeacherScoreParams(bias_most=0)
