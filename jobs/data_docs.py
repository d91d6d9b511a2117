"""Data Docs: a page of Great Expectations for every table's newest verdict, in the folder that `data_docs_dir` names, and an index of them.

What is judged are counts and means by day (jobs/quality.py), so that no value of a row is ever on a page.
"""

from __future__ import annotations

import html
import json
import os
from pathlib import Path
from typing import Any

INDEX, LIST = "index.html", "verdicts.json"


def write(folder: Path, table: str, days: list[str], verdict: Any) -> Path:
    """Replaces the table's page, and the index; returns the page."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{table}.html"
    _replace(page, DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(verdict)))
    kept = folder / LIST
    known = json.loads(kept.read_bytes()) if kept.is_file() else {}
    known[table] = {"first": min(days), "last": max(days), "success": bool(verdict.success), "checks": len(verdict.results)}
    _replace(kept, json.dumps(known, indent=1, sort_keys=True))
    _replace(folder / INDEX, _index(known))
    return page


def _index(known: dict[str, dict[str, Any]]) -> str:
    lines = [
        f'<tr><td><a href="{html.escape(table)}.html">{html.escape(table)}</a></td><td>{one["first"]}</td><td>{one["last"]}</td>'
        f"<td>{one['checks']}</td><td>{'passed' if one['success'] else 'failed'}</td></tr>"
        for table, one in sorted(known.items())
    ]
    head = "<tr><th>table</th><th>first day</th><th>last day</th><th>checks</th><th>newest verdict</th></tr>"
    style = "body{font:16px system-ui;margin:2rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}"
    page = f"<!doctype html><meta charset=utf-8><title>Data Docs</title><style>{style}</style><h1>Checks</h1>"
    return f"{page}<table>{head}{''.join(lines)}</table>\n"


def _replace(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)
