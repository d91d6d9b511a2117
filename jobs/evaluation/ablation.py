"""Which text sources make how much of a difference: small teachers and students over growing sources, and over all but one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALL = "all sources"


@dataclass(frozen=True)
class Variant:
    """A set of sources by its name, and what it is called for pins and for products (features/assembly.py)."""

    name: str
    pin: str
    product: str


GROWING = (
    Variant("captions", "up_to_caption", "up_to_captions"),
    Variant("+ title, description", "up_to_title_description", "up_to_title_description"),
    Variant("+ attributes", "up_to_title_description", "up_to_attributes"),
    Variant("+ link", "up_to_link", "up_to_link"),
    Variant("+ board titles", "up_to_board_titles", "up_to_board_titles"),
    Variant(ALL, "all", "all"),
)
"""In the order of arXiv 2410.17152, attributes of products between; all is what engaged queries add."""
LEFT_OUT = (
    Variant("without captions", "without_caption", "without_captions"),
    Variant("without title, description", "without_title_description", "without_title_description"),
    Variant("without attributes", "all", "without_attributes"),
    Variant("without link", "without_link", "without_link"),
    Variant("without board titles", "without_board_titles", "without_board_titles"),
    Variant("without engaged queries", "without_engaged_queries", "without_engaged_queries"),
)


def differing(texts: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, str]]:
    """(names to run, why each other one is not): of variants that give all pairs the same texts one is run, ALL or else the first, and none
    that leaves no pair a text. `texts`: those of the same pairs by variant, empty where none is left."""
    run: dict[tuple[str, ...], str] = {}
    skipped = {}
    for name in sorted(texts, key=lambda one: one != ALL):
        own = tuple(texts[name])
        if not any(own):
            skipped[name] = "no pair has a text"
        elif own in run:
            skipped[name] = f"the texts are those of `{run[own]}`"
        else:
            run[own] = name
    return [name for name in texts if name not in skipped], skipped


def lines(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A row a variant: pairs with a text, mean AUROC and accuracy of the teacher and of its student."""
    names = ("teacher auroc", "teacher accuracy", "student auroc", "student accuracy")
    table: list[tuple[str, ...]] = [("sources", "with a text", *names, "")]
    for row in rows:
        told = (f"{row[name]:.3f}" if row.get(name) is not None else "" for name in names)
        share = f"{row['with_text']:.0%}" if row.get("with_text") is not None else ""
        table.append((row["sources"], share, *told, row.get("not_run") or ""))
    return table


def draw(rows: Sequence[Mapping[str, Any]], title: str, file: Path) -> None:
    """Writes the picture: mean AUROC by variant, teacher and student beside each other."""
    from matplotlib.figure import Figure

    ran = [row for row in rows if row.get("teacher auroc") is not None]
    figure = Figure(figsize=(8, 0.5 * len(ran) + 1.6), layout="constrained")
    axes = figure.subplots()
    for shift, (name, color) in ((-0.2, ("teacher auroc", "#b5482a")), (0.2, ("student auroc", "#2f6f9f"))):
        axes.barh([n + shift for n in range(len(ran))], [row[name] for row in ran], 0.38, color=color, label=name.split()[0])
    axes.set_yticks(range(len(ran)), [row["sources"] for row in ran])
    axes.invert_yaxis()
    axes.set_xlim(0.5, 1.0)
    axes.set_xlabel("mean AUROC on unseen queries")
    axes.grid(axis="x", alpha=0.25)
    axes.legend(loc="lower right", frameon=False)
    figure.suptitle(title)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
