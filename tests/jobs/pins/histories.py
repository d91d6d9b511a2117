"""Random histories of pages and engaged queries, and the texts of pins, recomputed in plain Python from snapshots of every day."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.contract import Table
from tests.changelog import change_rows
from tests.jobs.boards import histories as boards
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
LABELS = {
    "title": "t",
    "caption": "c",
    "engaged_queries": "q",
    "board_titles": "b",
    "link_title": "lt",
    "description": "d",
    "link_description": "ld",
}
BUDGETS = {
    "title": 40,
    "caption": 12,
    "engaged_queries": 18,
    "board_titles": 25,
    "link_title": 12,
    "description": 24,
    "link_description": 30,
}
CHARACTERS = 90
IMAGES = ("i0", "i1", "i2", "i3")
CAPTIONS = {" a red <b>sofa</b>": "a red sofa", "a lamp": "a lamp", " ": None, "a long view of it all": "a long view of it all"}


def pin_updates(seed: int) -> list[Row]:
    """raw.pin_updates as for boards, with images, and products for some; rows that are doubled stay so."""
    rows = boards.pin_updates(seed)
    for row in rows:
        rng = random.Random(f"pointers {seed} {row['pin_id']} {row['ds']}")
        row["image_id"], row["product_id"] = (
            rng.choice((None, "i9", *IMAGES)),
            rng.choice((None, None, None, "s0", "s1", "s2", "s3", "s4", "s5")),
        )
    return rows


def captions_by_day(seed: int) -> Snapshots:
    """image -> the values of signals.image_captions on every day; captions come, change with the model and go."""
    rng = random.Random(f"captions {seed}")
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        for image in IMAGES:
            if rng.random() < 0.4:
                live[image] = rng.choice((None, *((caption, "0" * 16) for caption in CAPTIONS)))
        found[day] = {image: values for image, values in live.items() if values is not None}
    return found


def clicks_by_day(seed: int) -> Snapshots:
    """url -> (long clicks,) on every day."""
    rng = random.Random(f"clicks {seed}")
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        for url in ("u0", "u1", "u2", "u3", "u5"):
            if rng.random() < 0.5:
                live[url] = rng.choice((None, (1,), (2,), (3,)))
        found[day] = {url: values for url, values in live.items() if values is not None}
    return found


def pages_by_day(seed: int) -> Snapshots:
    """url -> the values of signals.link_texts on every day; pages come, change and go."""
    rng = random.Random(f"pages {seed}")
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        for url in ("u0", "u1", "u2", "u4"):
            if rng.random() < 0.3:
                title = rng.choice(("Page\u200b one", "Another", None))
                description = rng.choice(("Page two, which is rather long", " ", None))
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
            key = rng.choice((("pin", f"p{rng.randrange(40)}"), ("pin", f"p{rng.randrange(40)}"), ("product", f"s{rng.randrange(14)}")))
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


def text_of(sources: Mapping[str, Any], labels: Mapping[str, str], budgets: Mapping[str, int], characters: int) -> tuple[str, str, Any]:
    """(text, hash, sources): the labelled lines of the sources that are present, in the order of the labels, within the budgets."""
    lines: list[str] = []
    present = tuple(name for name in labels if sources[name] is not None)
    for name in present:
        words = sources[name]
        used = len("\n".join(lines)) + bool(lines) + len(labels[name]) + 2
        short = cut(words if isinstance(words, str) else ", ".join(words), min(budgets[name], characters - used))
        if short:
            lines.append(f"{labels[name]}: {short}")
    text = "\n".join(lines)
    return text, hashlib.sha256(text.encode()).hexdigest(), present


def page_of(urls: Sequence[str | None], pages: Mapping[str, Any], clicks: Mapping[str, Any]) -> list[str | None]:
    """[title, description], each of the page that has it and that most people stayed on; of equals the first."""
    ranked = sorted((url for url in urls if url is not None), key=lambda url: -clicks.get(url, (0,))[0])
    return [next((text for url in ranked if (text := CLEAN[pages.get(url, (None, None))[field]]) is not None), None) for field in (0, 1)]


def texts_by_day(updates: Sequence[Row], world: Mapping[str, Snapshots]) -> Snapshots:
    """pin -> the values of texts.pins on every day; `world`: products, pages, clicks, captions, titles and queries by day."""
    found: Snapshots = {}
    for day, pins in boards.pins_by_day(list(updates)).items():
        found[day] = {}
        now = {name: snapshots[day] for name, snapshots in world.items()}
        for pin, (image, product, title, description, url, language, _) in pins.items():
            link_title, link_description = page_of((url, now["products"].get(product, [None])[-1]), now["pages"], now["clicks"])
            sources = {
                "title": CLEAN[title],
                "description": CLEAN[description],
                "caption": CAPTIONS[now["captions"][image][0]] if image in now["captions"] else None,
                "link_title": link_title,
                "link_description": link_description,
                "board_titles": first_of(now["titles"].get(pin)),
                "engaged_queries": first_of(now["queries"].get(("pin", pin))),
            }
            found[day][pin] = (language, *sources.values(), *text_of(sources, LABELS, BUDGETS, CHARACTERS))
    return found


def first_of(values: Sequence[Any] | None) -> tuple[str, ...] | None:
    """The texts of a list of texts and scores; null where there is none."""
    return tuple(one[0] for one in values[0]) if values else None
