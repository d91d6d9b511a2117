"""What a student gains from its teacher's labels: students of growing training sets, beside the teacher and people's labels alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jobs.evaluation.relevance import Measured

HUMAN = "student of people alone"
MEASURES = ("accuracy", "auroc", "kappa", "ndcg@20")


@dataclass(frozen=True)
class Point:
    """A student of the curve: how many pairs it learnt from, what part of them a teacher labelled, and the multiple of people's pairs."""

    name: str
    pairs: int
    multiple: float

    @classmethod
    def of(cls, multiple: float, people: int) -> Point:
        """The student of so many times as many pairs of the teacher's as people graded, `people`, and of people's own."""
        return cls(f"student {multiple:g}x", people + round(multiple * people), multiple)


def reached(multiples: Sequence[float], people: int, teachers: int) -> tuple[list[float], list[float]]:
    """(measured, projected): the multiples that the teacher's labels are enough for, and those they are not.

    Where they are enough for none but one and a half at most, all of them make the largest point.
    """
    most = teachers / people if people else 0.0
    measured = [m for m in sorted(set(multiples)) if m <= most]
    rest = [m for m in sorted(set(multiples)) if m > most]
    if rest and most > 1.2 * (measured[-1] if measured else 0):
        measured.append(round(most, 2))
    return measured, rest


def projected(pairs: Sequence[int], values: Sequence[float], at: int, most: float) -> float | None:
    """The value at a number of pairs by a line over the logarithm of the pairs; None for fewer than two points.

    At most `most`, the teacher's own: no student is expected above what it learns from.
    """
    if len(pairs) < 2:
        return None
    slope, start = np.polyfit(np.log(pairs), values, 1)
    return float(min(most, start + slope * np.log(at)))


def summary(measures: Mapping[str, Measured]) -> dict[str, float | None]:
    """MEASURES of a system, `auroc` being the mean over the thresholds."""
    aurocs = [m.value for name, m in measures.items() if name.startswith("auroc") and m.value is not None]
    found: dict[str, float | None] = {name: m.value for name in MEASURES if (m := measures.get(name))}
    return {**found, "auroc": float(np.mean(aurocs)) if aurocs else None}


def curve(
    points: Sequence[Point], systems: Mapping[str, Mapping[str, Measured]], teacher: str, beyond: Mapping[str, int]
) -> list[dict[str, Any]]:
    """A row a student: pairs, measures, the share of the teacher's accuracy that it keeps, whether it was projected.

    `beyond`: names and pairs of students that were not trained; their accuracy and AUROC are projected.
    """
    best = summary(systems[teacher])
    rows: list[dict[str, Any]] = []
    for point in points:
        rows.append({"student": point.name, "pairs": point.pairs, "projected": False, **summary(systems[point.name])})
    distilled = [row for row, point in zip(rows, points, strict=True) if point.multiple]
    for name, pairs in beyond.items():
        told = {
            m: projected([r["pairs"] for r in distilled], [r[m] for r in distilled], pairs, best[m] or 1.0) for m in ("accuracy", "auroc")
        }
        if told["accuracy"] is not None:
            rows.append({"student": name, "pairs": pairs, "projected": True, **told})
    for row in rows:
        row["accuracy_kept"] = row["accuracy"] / best["accuracy"] if row.get("accuracy") and best["accuracy"] else None
    return rows


def lines(rows: Sequence[Mapping[str, Any]], teacher: Mapping[str, float | None]) -> list[tuple[str, ...]]:
    """The curve as a table."""
    names = (*MEASURES, "accuracy_kept")
    table = [("student", "pairs", *names, "")]
    for row in rows:
        told = (f"{row[name]:.3f}" if row.get(name) is not None else "" for name in names)
        table.append((row["student"], str(row["pairs"]), *told, "projected" if row["projected"] else ""))
    own = (f"{teacher[name]:.3f}" if teacher.get(name) is not None else "" for name in MEASURES)
    return [*table, ("teacher", "", *own, "1.000", "")]


def draw(rows: Sequence[Mapping[str, Any]], teacher: Mapping[str, float | None], title: str, file: Path) -> None:
    """Writes the picture: accuracy and mean AUROC over the pairs that students learnt from, the teacher as a line, projections hollow."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(1, 2), (("accuracy", "accuracy"), ("auroc", "mean AUROC")), strict=True):
        parts = {
            "people alone": ([r for r in rows if r["student"] == HUMAN], {"marker": "s", "color": "#777777", "linestyle": "none"}),
            "distilled": ([r for r in rows if r["student"] != HUMAN and not r["projected"]], {"marker": "o", "color": "#2f6f9f"}),
            "projected": (
                [r for r in rows if r["projected"]],
                {"marker": "o", "color": "#2f6f9f", "markerfacecolor": "white", "linestyle": ":"},
            ),
        }
        for told, (part, style) in parts.items():
            some = [row for row in part if row.get(name) is not None]
            if some:
                axes.plot([r["pairs"] for r in some], [r[name] for r in some], label=f"student, {told}", **style)
            for row in some if told != "people alone" else []:
                named, at = row["student"].removeprefix("student "), (row["pairs"], row[name])
                axes.annotate(named, at, textcoords="offset points", xytext=(0, -14), ha="center")
        if teacher.get(name) is not None:
            axes.axhline(teacher[name], color="#b5482a", label="teacher")
        axes.set_xscale("log")
        axes.set_xlabel("labelled pairs learnt from")
        axes.set_ylabel(label)
        axes.margins(0.15)
        axes.grid(alpha=0.25)
        axes.legend(loc="best", frameon=False)
    figure.suptitle(title)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
