"""Random histories of pages and engaged queries, and the texts of pins, recomputed in plain Python from snapshots of every day."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from schemas import texts
from schemas.contract import Table
from tests.changelog import change_rows
from tests.jobs.boards.histories import DAYS, Row, Snapshots

# As typed, and as the text holds it.
CLEAN = {
    None: None,
    " ": None,
    "Red <i>sofa</i>": "Red sofa",
    "Lamp &amp; light": "Lamp & light",
    "Another": "Another",
    "a long and winding description of it all": "a long and winding description of it all",
    "Call 555-123-4567": "Call ***",
    "Page\u200b one": "Page one",
    "Page two, which is rather long": "Page two, which is rather long",
}
LABELS = {"title": "t", "description": "d", "link_title": "lt", "link_description": "ld", "board_titles": "b", "engaged_queries": "q"}
BUDGETS = {"title": 40, "description": 24, "link_title": 12, "link_description": 30, "board_titles": 25, "engaged_queries": 18}
CHARACTERS = 90


def pages_by_day(seed: int) -> Snapshots:
    """url -> the values of signals.link_texts on every day; pages come, change and go."""
    rng = random.Random(f"pages {seed}")
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        for url in ("u0", "u1", "u2", "u4"):
            if rng.random() < 0.3:
                title, description = rng.choice(("Page\u200b one", None)), rng.choice(("Page two, which is rather long", " ", None))
                live[url] = rng.choice(
                    (None, (title, description, "main", "en", "utf-8", "ok"), (title, description, "other", "en", "utf-8", "ok"))
                )
        found[day] = {url: values for url, values in live.items() if values is not None}
    return found


def queries_by_day(seed: int) -> Snapshots:
    """(entity type, entity) -> (queries with scores,) on every day; products of the same ids among them."""
    rng = random.Random(f"queries {seed}")
    live: dict[tuple[str, str], Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        for _ in range(8):
            key = (rng.choice(("pin", "pin", "product")), f"p{rng.randrange(40)}")
            asked = rng.sample(("red sofa", "lamp", "small living room"), rng.randrange(4))
            live[key] = (tuple((query, 9 - n) for n, query in enumerate(asked)),) if asked else None
        found[day] = {key: values for key, values in live.items() if values is not None}
    return found


def stored(table: Table, snapshots: Snapshots) -> list[Row]:
    """The rows of a CHANGES table that holds these snapshots."""
    rows = []
    for (day, entity), (value, deleted, changed) in change_rows(snapshots).items():
        key = (entity,) if len(table.key) == 1 else entity
        given = dict(zip(table.values, value, strict=True)) if value is not None else {}
        rows.append({"ds": day, **dict(zip(table.key, key, strict=True)), **given, "deleted": deleted, "changed": changed})
    return rows


def cut(text: str, room: int) -> str:
    """The text within `room` characters, between words where one ends near."""
    if len(text) <= room:
        return text
    if room <= 0:
        return ""
    head = text[:room]
    start = head.rfind(" ")
    return (head if text[room] == " " or start < 0 or room - start > 40 else head[:start]).rstrip()


def text_of(sources: Mapping[str, Any]) -> str:
    """The labelled lines of the sources that are present, within the budgets."""
    lines: list[str] = []
    for name, label in LABELS.items():
        words = sources[name]
        if words is None:
            continue
        used = len("\n".join(lines)) + bool(lines) + len(label) + 2
        short = cut(words if isinstance(words, str) else ", ".join(words), min(BUDGETS[name], CHARACTERS - used))
        if short:
            lines.append(f"{label}: {short}")
    return "\n".join(lines)


def texts_by_day(pins: Snapshots, pages: Snapshots, titles: Snapshots, queries: Snapshots) -> Snapshots:
    """pin -> the values of texts.pins on every day."""
    found: Snapshots = {}
    for day in DAYS:
        found[day] = {}
        for pin, (_, _, title, description, url, language, _) in pins[day].items():
            page = pages[day].get(url, (None, None))
            sources = {
                "title": CLEAN[title],
                "description": CLEAN[description],
                "caption": None,
                "link_title": CLEAN[page[0]],
                "link_description": CLEAN[page[1]],
                "board_titles": _first(titles[day].get(pin)),
                "engaged_queries": _first(queries[day].get(("pin", pin))),
            }
            text = text_of(sources)
            present = tuple(name for name in texts.SOURCES if sources[name] is not None)
            found[day][pin] = (language, *sources.values(), text, hashlib.sha256(text.encode()).hexdigest(), present)
    return found


def _first(values: Sequence[Any] | None) -> tuple[str, ...] | None:
    return tuple(one[0] for one in values[0]) if values else None
