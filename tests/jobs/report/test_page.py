"""The page: what is on it, that text is data on it, and what a browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from jobs.report.page import embedded, rendered, tiles

HOSTILE = "</script><script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def a_run(job, **more):
    known = {"job": job, "output": f"texts.{job}", "rows": 1200, "changed": 30, "quarantined": 2, "seconds": 12.5, "version": 4}
    return {**known, "started_at": 1_000.0, "refused": None, "unusual": [], "first_ds": "2026-01-15", "last_ds": "2026-01-15", **more}


def a_pin(name, text, **more):
    return {
        "pin_id": name,
        "title": text,
        "board_titles": ["Cars"],
        "text": f"title: {text}",
        "sources": ["title"],
        "labels": [],
        "near": [],
        **more,
    }


FOUND = {
    "day": "2026-01-15",
    "runs": [
        a_run("pins"),
        a_run("products", unusual=["texts.products, 2026-01-15: rows: 9; usual is 50 to 200"]),
        a_run("labels", refused="3 rows repeat a key\nnothing was published", version=None),
    ],
    "slowest": [{"job": "pins", "a_day": 3.5, "longest": 12.5, "runs": 4}],
    "watched": [
        {
            "table": "texts.pins",
            "lines": [
                {"name": "rows", "says": "rows that changed", "share": False, "values": [("2026-01-14", 90.0), ("2026-01-15", 110.0)]},
                {"name": "has_title", "says": "share of changed rows that have title", "share": True, "values": [("2026-01-15", 0.6)]},
            ],
        }
    ],
    "metrics": [
        {"ds": "2026-01-15", "evaluation": "teacher", "data_set": "pairs", "slice": "all", "metric": f"{system} accuracy", "value": value,
         "count": 100, "lower": value - 0.05, "upper": value + 0.05}
        for system, value in (("teacher", 0.63), ("bm25", 0.58))
    ],
    "tables": [{"table": "texts.pins", "job": "pins", "rows": 1200, "refused": 2, "last": "2026-01-15", "lag": 0}],
    "stale": [{"job": "pin_boards", "table": "signals.pin_boards", "why": "missing"}],
    "browser": {
        "pins": [
            a_pin("p1", "red car", near=[{"pin_id": "p2", "cosine": 0.91}], labels=[{"query": "car", "grade": 5, "expected_grade": 4.6}]),
            a_pin("p2", HOSTILE),
        ],
        "queries": [{"query": "fast cars", "near": [{"pin_id": "p1", "cosine": 0.7}]}],
    },
}  # fmt: skip


def test_the_page_shows_runs_refusals_what_is_unusual_quality_and_stale_tables():
    text = re.sub(r"<[^>]+>", " ", rendered(FOUND))
    for wanted in (
        "refused: 3 rows repeat a key", "usual is 50 to 200", "Teacher against people: pairs", "0.630", "[0.580, 0.680]",
        "signals.pin_boards", "Missing or stale on this day", "2026-01-15",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_the_page_needs_nothing_from_elsewhere():
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\(|@import""", rendered(FOUND).replace(HOSTILE, ""))


def test_what_authors_wrote_is_data():
    page = rendered(FOUND)
    assert HOSTILE not in page
    assert "<img" not in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(data)["pins"][1]["title"] == HOSTILE
    assert json.loads(embedded({"a": "<>&"})) == {"a": "<>&"}


def test_a_day_of_which_nothing_is_known_has_a_page():
    nothing = {name: [] for name in ("runs", "slowest", "watched", "metrics", "tables", "stale")}
    page = rendered({"day": "2026-01-15", **nothing, "browser": {"pins": [], "queries": []}})
    assert "No run of this day is known" in page


def test_tiles_say_first_what_went_wrong():
    states = {tile["words"]: (tile["value"], tile["state"]) for tile in tiles(FOUND)}
    assert states["refused"] == (1, "bad")
    assert states["unusual numbers"] == (1, "warn")
    assert states["missing or stale"] == (1, "warn")


def browsed(page, *options):
    """The document after its scripts have run."""
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=2000",
        *options,
        "--dump-dom",
        f"file://{page}",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_lists_pins_and_queries_and_nothing_is_wider_than_the_window(tmp_path, width):
    page = tmp_path / "page.html"
    probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + window.innerWidth</script>"
    page.write_text(rendered(FOUND).replace("</body>", f"{probe}</body>"))
    document = browsed(page, f"--window-size={width},900")
    wide, window = re.search(r"<title>(\d+) of (\d+)</title>", document).groups()
    assert int(wide) <= int(window)
    assert document.count("<li>") == 3, "two pins and a query"
    assert "taken over" not in re.search(r"<title>(.*?)</title>", document)[1]
    assert re.search(r'<div id="shown"><h2>Pin p1</h2>.*grade 5, expected 4.6', document, re.DOTALL)
