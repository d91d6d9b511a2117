"""Random histories of products, and their texts, recomputed in plain Python from snapshots of every day."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from schemas import state
from tests.jobs.boards.histories import DAYS, Row, Snapshots, nulls_first, pins_by_day, runs
from tests.jobs.pins.histories import CAPTIONS, CLEAN, IMAGES, first_of, page_of, text_of

FIELDS = state.PRODUCTS.values
LABELS = {
    "title": "t",
    "brand": "br",
    "product_types": "pt",
    "category": "ca",
    "colors": "co",
    "patterns": "pa",
    "materials": "ma",
    "engaged_queries": "q",
    "captions": "c",
    "board_titles": "b",
    "link_title": "lt",
    "description": "d",
    "canonical_desc": "cd",
    "link_description": "ld",
    "size": "s",
    "size_type": "st",
}
BUDGETS = dict.fromkeys(LABELS, 25) | {"captions": 15, "board_titles": 30}
CHARACTERS = 200
WORDS = {
    None: None,
    "": None,
    "Nor<b>d</b>": "Nor d",
    "Home &gt; Sofas": "Home > Sofas",
    "red": "red",
    "red ": "red",
    "\u200b": None,
    "ann@example.org": "***",
}


def product_updates(seed: int) -> list[Row]:
    """raw.product_updates: updates, withdrawals, doubled and contradicting rows, rows without a product; price changes alone."""
    rng = random.Random(f"products {seed}")
    rows: list[Row] = []
    for day in DAYS:
        for _ in range(9):
            product = rng.choice((None, *[f"s{n}" for n in range(14)] * 3))
            one = {name: rng.choice(list(WORDS)) for name in ("brand", "category", "size", "size_type")}
            many = {
                name: rng.choice((None, [], rng.choices(list(WORDS), k=rng.randrange(1, 4))))
                for name in ("colors", "patterns", "materials", "product_types")
            }
            prose = {name: rng.choice(list(CLEAN)) for name in ("title", "description", "canonical_desc")}
            images = rng.choice((None, [], rng.choices((None, "i9", *IMAGES), k=rng.randrange(1, 6)), [*IMAGES] * 4))
            link = rng.choice((None, "u0", "u1", "u2", "u5"))
            row = {"ds": day, "product_id": product, **one, **many, **prose, "image_ids": images, "link_url": link}
            rows.append({**row, "deleted": rng.choice((None, False, False, False, True))})
            rows += [{**rows[-1], "deleted": rows[-1]["deleted"] or None}] if rng.random() < 0.2 else []
            rows += [{**rows[-1], "title": "Another"}] if rng.random() < 0.1 else []
    return rows


def products_by_day(updates: Sequence[Row]) -> Snapshots:
    """The live products of every day."""
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        rows = [{**kept(row), "deleted": bool(row["deleted"])} for row in updates if row["ds"] == day and row["product_id"] is not None]
        for row in sorted(rows, key=lambda row: place(row), reverse=True):
            live[row["product_id"]] = None if row["deleted"] else tuple(row.get(name) for name in FIELDS)
        found[day] = {product: values for product, values in live.items() if values is not None}
    return found


def kept(row: Row) -> Row:
    """The row with at most fifteen images, its lists as tuples."""
    return {name: tuple(value)[:15] if isinstance(value, list) else value for name, value in row.items()}


def place(row: Row) -> tuple[Any, ...]:
    """The row's place in Spark's order of structs; in a list, null comes first."""
    lists = {name: tuple((one is not None, one or "") for one in value) for name, value in row.items() if isinstance(value, tuple)}
    return nulls_first({**row, **lists}, [*FIELDS, "deleted"])


def once(texts: Sequence[str | None] | None, clean: Mapping[str | None, str | None]) -> tuple[str, ...] | None:
    """The clean texts that are there, each once; null where none is."""
    return tuple(dict.fromkeys(text for one in texts or () if (text := clean[one]) is not None)) or None


def titles_of(titles: Sequence[Any]) -> tuple[str, ...] | None:
    """The ten best of the titles of several pins, by what they score together; `titles`: (title, score, boards)."""
    scores: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for title, score, _ in titles:
        scores[" ".join(runs(title))][title] += score
    ranked = sorted((-sum(spelled.values()), min(spelled, key=lambda t: (-spelled[t], t))) for spelled in scores.values())
    return tuple(title for _, title in ranked[:10]) or None


def texts_by_day(products: Snapshots, pin_updates: Sequence[Row], world: Mapping[str, Snapshots]) -> Snapshots:
    """product -> the values of texts.products on every day; `world`: pages, captions, titles and queries by day."""
    found: Snapshots = {}
    for day, pins in pins_by_day(list(pin_updates)).items():
        found[day] = {}
        now = {name: snapshots[day] for name, snapshots in world.items()}
        titles = defaultdict(list)
        for pin, (_, product, *_) in pins.items():
            titles[product] += now["titles"][pin][0] if pin in now["titles"] else ()
        for product, values in products[day].items():
            given = dict(zip(FIELDS, values, strict=True))
            images = dict.fromkeys(image for image in given["image_ids"] or () if image in now["captions"])
            link_title, link_description = page_of((given["link_url"],), now["pages"], {})
            sources = {
                **{name: CLEAN[given[name]] for name in ("title", "description")},
                **{name: WORDS[given[name]] for name in ("brand", "category")},
                "colors": once(given["colors"], WORDS),
                **{name: WORDS[given[name]] for name in ("size", "size_type")},
                **{name: once(given[name], WORDS) for name in ("patterns", "materials", "product_types")},
                "canonical_desc": CLEAN[given["canonical_desc"]],
                "captions": once([now["captions"][image][0] for image in images], CAPTIONS),
                "link_title": link_title,
                "link_description": link_description,
                "board_titles": titles_of(titles[product]),
                "engaged_queries": first_of(now["queries"].get(("product", product))),
            }
            found[day][product] = (*sources.values(), *text_of(sources, LABELS, BUDGETS, CHARACTERS))
    return found
