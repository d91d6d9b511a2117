"""Charts as inline SVG, coloured by the page's style sheet: lines over days, and a timeline of runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 560, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 20
COLOURS = 10
"""Classes `c0` .. `c9` of the style sheet."""


def lines(series: Sequence[tuple[str, Sequence[tuple[str, float]]]], share: bool) -> str:
    """A line for every (name, (day, value) in order), over the days that any has; shares are shown from 0 to 1."""
    days = sorted({day for _, values in series for day, _ in values})
    known = [value for _, values in series for _, value in values]
    low, high = (0.0, 1.0) if share and max(known) <= 1 else (0.0, max(known) * 1.05 or 1.0)

    def x(day: str) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (days.index(day) / max(len(days) - 1, 1))

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = [_axis(y(at), _number(at)) for at in (low, (low + high) / 2, high)]
    parts += [f'<text class="tick" x="{_LEFT}" y="{HEIGHT - 4}">{days[0]}</text>']
    parts += [f'<text class="tick end" x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}">{days[-1]}</text>'] if len(days) > 1 else []
    for place, (name, values) in enumerate(series):
        points = " ".join(f"{x(day):.1f},{y(value):.1f}" for day, value in values)
        colour = f"c{place % COLOURS}"
        parts.append(f'<polyline class="{colour}" points="{points}"/>' if len(values) > 1 else "")
        parts += [
            f'<circle class="{colour}" cx="{x(day):.1f}" cy="{y(value):.1f}" r="2.5">'
            f"<title>{escape(name)}, {day}: {_number(value)}</title></circle>"
            for day, value in values
        ]
    return _svg(HEIGHT, parts)


def timeline(runs: Sequence[dict[str, Any]]) -> str:
    """A bar for every run, from its start for as long as it took."""
    if not runs:
        return ""
    left, row = 170, 18
    start = min(run["started_at"] for run in runs)
    span = max(run["started_at"] + run["seconds"] for run in runs) - start or 1.0
    height = row * len(runs) + 24
    parts = []
    for place, run in enumerate(runs):
        at, y = left + (WIDTH - left - 60) * (run["started_at"] - start) / span, place * row + 4
        width = max((WIDTH - left - 60) * run["seconds"] / span, 1.5)
        state = "refused" if run["refused"] else "unusual" if run["unusual"] else "ok"
        told = f"{run['job']}: {run['seconds']:.1f} s, {run['rows']} rows"
        box = f'x="{at:.1f}" y="{y}" width="{width:.1f}" height="{row - 5}"'
        parts += [
            f'<text class="tick end" x="{left - 6}" y="{y + 11}">{escape(run["job"])}</text>',
            f'<rect class="{state}" {box} rx="2"><title>{escape(told)}</title></rect>',
            f'<text class="tick" x="{at + width + 4:.1f}" y="{y + 11}">{run["seconds"]:.0f} s</text>',
        ]
    parts.append(f'<text class="tick" x="{left}" y="{height - 6}">0 s</text>')
    parts.append(f'<text class="tick end" x="{WIDTH - 60}" y="{height - 6}">{span:.0f} s</text>')
    return _svg(height, parts)


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'


def _axis(y: float, label: str) -> str:
    line = f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="tick end" x="{_LEFT - 5}" y="{y + 3:.1f}">{label}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
