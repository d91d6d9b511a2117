"""The page itself: one HTML file without anything from elsewhere, made from what was gathered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jobs.report import charts
from jobs.report.gathering import systems

COLOURS = ("#2f6f9f", "#c4622d", "#3f8f5f", "#9b59a8", "#b8912a", "#c2456b", "#4aa3a3", "#7a6b5a", "#6d7fd1", "#8a9a3b")
EVALUATIONS = {"teacher": "Teacher against people", "distillation": "Students against people, beside their teacher", "embeddings": "Recall"}
MEASURES = 8
"""Columns of a comparison at most."""


def rendered(found: Mapping[str, Any]) -> str:
    """The HTML of a page. All text is escaped: what authors wrote is data here, too."""
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(files("jobs.report").joinpath("page.html.jinja").read_text(encoding="utf-8"))
    from markupsafe import Markup

    watched = [{**chart, "svg": Markup(chart["svg"])} for one in found["watched"] for chart in _charts(one)]
    return template.render(
        **{**found, "watched": watched},
        tiles=tiles(found),
        colours=COLOURS,
        timeline=Markup(charts.timeline(found["runs"])),
        comparisons=[c for name, title in EVALUATIONS.items() for c in _comparisons(found["metrics"], name, title)],
        browser_json=Markup(embedded(found["browser"])),
    )


def embedded(value: object) -> str:
    """JSON that cannot end the element that it stands in."""
    return json.dumps(value, ensure_ascii=False, default=str).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def tiles(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The numbers that one looks at first."""
    runs, refused = found["runs"], [run for run in found["runs"] if run["refused"]]
    unusual = sum(len(run["unusual"] or []) for run in runs)
    quarantined = sum(run["quarantined"] for run in runs)
    seconds = sum(run["seconds"] for run in runs)
    return [
        {"value": len(runs), "words": "jobs ran", "state": ""},
        {"value": len(refused), "words": "refused", "state": "bad" if refused else "good"},
        {"value": unusual, "words": "unusual numbers", "state": "warn" if unusual else "good"},
        {"value": len(found["stale"]), "words": "missing or stale", "state": "warn" if found["stale"] else "good"},
        {"value": f"{sum(run['changed'] for run in runs):,}", "words": "rows written", "state": ""},
        {"value": f"{quarantined:,}", "words": "rows quarantined", "state": ""},
        {"value": f"{seconds / 60:.1f} min", "words": "of work", "state": ""},
    ]


def _charts(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of a table: its rows in one chart, its shares in another, and every other mean in one of its own."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for line in one["lines"]:
        share = line["share"] and max(value for _, value in line["values"]) <= 1
        groups.setdefault("shares" if share and line["says"].startswith("share") else line["name"], []).append(line)
    return [
        {
            "title": f"{one['table']}: {'shares' if name == 'shares' else lines[0]['says']}",
            "names": [_short(line["says"]) for line in lines] if name == "shares" else [],
            "svg": charts.lines([(_short(line["says"]), line["values"]) for line in lines], lines[0]["share"]),
        }
        for name, lines in groups.items()
    ]


def _short(says: str) -> str:
    return says.rpartition(" have ")[2].removeprefix("share of ")


def _comparisons(metrics: list[Mapping[str, Any]], name: str, title: str) -> list[dict[str, Any]]:
    found = []
    for data_set, told in systems(metrics, name).items():
        measures: Sequence[str] = list(dict.fromkeys(measure for values in told.values() for measure in values))[:MEASURES]
        rows = [(system, [values.get(measure) for measure in measures]) for system, values in told.items()]
        found.append({"title": f"{title}: {data_set}", "measures": measures, "rows": rows})
    return found
