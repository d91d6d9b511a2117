"""The curve of students: which were trained, which are projected, and what of the teacher's accuracy is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.evaluation.distillation import HUMAN, Point, curve, draw, lines, projected, reached, summary
from jobs.evaluation.relevance import Measured


def measures(accuracy: float, *aurocs: float | None) -> dict[str, Measured]:
    """What was measured of a system."""
    found = {f"auroc_{n}+": Measured(value, 100) for n, value in enumerate(aurocs, 3)}
    return {**found, "accuracy": Measured(accuracy, 100), "kappa": Measured(0.5, 100), "ndcg@20": Measured(0.9, 100)}


@pytest.mark.parametrize(
    ("multiples", "teachers", "expected"),
    [
        ([1, 5, 20], 2_100, ([1, 5, 20], [])),
        ([1, 5, 20], 700, ([1, 5, 7.0], [20])),
        ([5, 1, 20, 1], 520, ([1, 5], [20])),
        ([1, 5], 40, ([0.4], [1, 5])),
        ([1], 0, ([], [1])),
    ],
)
def test_what_the_labels_are_enough_for_is_measured_and_the_rest_projected(multiples, teachers, expected) -> None:
    assert reached(multiples, 100, teachers) == expected


def test_a_projection_is_a_line_over_the_logarithm() -> None:
    assert projected([100, 1_000], [0.5, 0.6], 10_000, 0.9) == pytest.approx(0.7)
    assert projected([100, 1_000], [0.8, 0.95], 10**6, 0.97) == 0.97
    assert projected([100], [0.5], 1_000, 0.9) is None


def test_the_curve_tells_the_share_of_the_teachers_accuracy_and_marks_projections(tmp_path: Path) -> None:
    points = [Point(HUMAN, 100, 0.0), Point.of(1, 100), Point.of(5, 100)]
    systems = {
        HUMAN: measures(0.5, 0.7),
        "student 1x": measures(0.52, 0.72, 0.74, None),
        "student 5x": measures(0.54, 0.78),
        "teacher": measures(0.6, 0.8),
    }
    rows = curve(points, systems, "teacher", {"student 20x": 2_100})
    assert [(row["student"], row["pairs"], row["projected"]) for row in rows] == [
        (HUMAN, 100, False),
        ("student 1x", 200, False),
        ("student 5x", 600, False),
        ("student 20x", 2_100, True),
    ]
    assert [row["accuracy_kept"] for row in rows[:3]] == pytest.approx([0.5 / 0.6, 0.52 / 0.6, 0.9])
    assert rows[1]["auroc"] == pytest.approx(0.73)
    assert 0.54 < rows[3]["accuracy"] < 0.6
    assert rows[3]["auroc"] == 0.8, "not above the teacher's own"
    assert "kappa" not in rows[3]
    told = lines(rows, summary(systems["teacher"]))
    assert told[0][:3] == ("student", "pairs", "accuracy")
    assert told[4][-1] == "projected"
    assert told[5][:3] == ("teacher", "", "0.600")
    assert len({len(line) for line in told}) == 1
    draw(rows, summary(systems["teacher"]), "a title", tmp_path / "below" / "curve.png")
    assert (tmp_path / "below" / "curve.png").stat().st_size > 10_000


def test_without_two_trained_students_nothing_is_projected() -> None:
    systems = {HUMAN: measures(0.5, 0.7), "student 1x": measures(0.52, 0.72), "teacher": measures(0.6, 0.8)}
    rows = curve([Point(HUMAN, 100, 0.0), Point.of(1, 100)], systems, "teacher", {"student 20x": 2_100})
    assert [row["student"] for row in rows] == [HUMAN, "student 1x"]
