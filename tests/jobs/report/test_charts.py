"""Charts as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from jobs.report import charts

DAYS = [("2026-01-01", 0.2), ("2026-01-02", 0.4), ("2026-01-03", 0.1)]


def points(svg):
    return [(float(c.get("cx")), float(c.get("cy")), c[0].text) for c in ET.fromstring(svg).iter("circle")]


def test_a_share_is_drawn_between_nought_and_one_with_its_days_in_order():
    found = points(charts.lines([("title", DAYS)], share=True))
    assert [told for *_, told in found] == ["title, 2026-01-01: 0.2", "title, 2026-01-02: 0.4", "title, 2026-01-03: 0.1"]
    assert [x for x, *_ in found] == sorted(x for x, *_ in found)
    inner = charts.HEIGHT - 30
    assert [round(1 - (y - 10) / inner, 2) for _, y, _ in found] == [0.2, 0.4, 0.1]


@pytest.mark.parametrize("values", [[("2026-01-01", 0.0)], [("2026-01-01", 7.0)], [("2026-01-01", 0.0), ("2026-01-02", 0.0)]])
def test_one_day_and_nothing_but_noughts_are_drawn_too(values):
    assert len(points(charts.lines([("rows", values)], share=False))) == len(values)


def test_names_are_data_and_end_no_element():
    assert "<script>" not in charts.lines([("<script>", DAYS)], share=True)


def run(job, started_at, seconds, **more):
    return {"job": job, "started_at": started_at, "seconds": seconds, "rows": 1, "refused": None, "unusual": [], **more}


def test_runs_stand_on_a_line_of_time_and_say_what_became_of_them():
    runs = [run("pins", 100.0, 10.0), run("texts", 105.0, 15.0, unusual=["few rows"]), run("labels", 120.0, 1.0, refused="no")]
    bars = list(ET.fromstring(charts.timeline(runs)).iter("rect"))
    assert [bar.get("class") for bar in bars] == ["ok", "unusual", "refused"]
    assert [float(bar.get("x")) for bar in bars] == sorted(float(bar.get("x")) for bar in bars)
    assert float(bars[1].get("width")) == pytest.approx(1.5 * float(bars[0].get("width")), rel=0.01)
    assert charts.timeline([]) == ""
