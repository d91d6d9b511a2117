"""What the joint embedding reads of entities: the same however a range is cut into steps, and as a plain recompute tells it."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.days import Days, shifted
from jobs.registry import job
from schemas import embeddings, state, texts
from tests.changelog import change_rows, lives, log_rows, stored_rows
from tests.replay import frame, replay

FIRST = "2026-01-30"
DAYS = [shifted(FIRST, n) for n in range(5)]
CUTS = {
    "one step": [Days(DAYS[0], DAYS[-1])],
    "uneven": [Days(DAYS[0], DAYS[1]), Days(DAYS[2], DAYS[2]), Days(DAYS[3], DAYS[4])],
}
PINS, PRODUCTS, IMAGES = ([f"{letter}{n}" for n in range(count)] for letter, count in (("p", 14), ("s", 6), ("i", 8)))
World = dict[str, dict[str, dict[Any, dict[str, Any]]]]


def world(seed: int) -> World:
    """Pins, products, their texts and embeddings."""
    luck = random.Random(seed)

    def some(*values: Any) -> Any:
        return luck.choice([None, *values])

    def vector() -> dict[str, Any]:
        return {"vector": [luck.randrange(4) / 4.0] * 256}

    of_pins = {"title": ("Oak table", "Vase"), "description": ("Old",), "caption": ("a table",), "link_title": ("Tables",)}
    of_products = {"title": ("Lamp",), "brand": ("Acme",), "size": ("L",), "category": ("Home > Lamps",), "canonical_desc": ("A lamp.",)}
    lists = {"board_titles": (["Home", "Wood"],), "engaged_queries": (["oak table"],)}
    of_pin = lambda: {name: some(*values) for name, values in (of_pins | lists).items()}  # noqa: E731
    of_product = lambda: {name: some(*values) for name, values in (of_products | lists | {"colors": (["red", "blue"],)}).items()}  # noqa: E731
    keys = {
        ("image", "visual"): lambda: {"bits": bytes([luck.randrange(256)]) * 128},
        ("image", "pinsage"): vector,
        ("pin", "pinsage"): vector,
        ("product", "itemsage"): vector,
        ("pin", "searchsage"): vector,
    }
    named: dict[str, dict[Any, Any]] = {day: {} for day in DAYS}
    for (kind, name), made in keys.items():
        ids = {"image": IMAGES, "pin": PINS, "product": PRODUCTS}[kind]
        for day, live in lives(luck, DAYS, [(kind, one, name) for one in ids], made).items():
            named[day] |= live
    images = lambda: luck.choice([None, [], luck.sample(IMAGES, 3), [IMAGES[0], None, IMAGES[0], IMAGES[2]]])  # noqa: E731
    page = lambda: some("https://WWW.Shop.example/a?b=1", "no address", "http://blog.example:8080/x")  # noqa: E731
    return {
        "pins": lives(luck, DAYS, PINS, lambda: {"product_id": some(*PRODUCTS), "image_id": some(*IMAGES), "link_url": page()}),
        "products": lives(luck, DAYS, PRODUCTS, lambda: {"image_ids": images(), "link_url": page()}),
        "pin_texts": lives(luck, DAYS, PINS, of_pin),
        "product_texts": lives(luck, DAYS, PRODUCTS, of_product),
        "embeddings": named,
    }


def host(url: str | None) -> str | None:
    """Of the three addresses above."""
    return {"https://WWW.Shop.example/a?b=1": "shop.example", "http://blog.example:8080/x": "blog.example"}.get(url or "")


def halves(*vectors: list[float] | None) -> bytes | None:
    """The vectors that are there as little-endian fp16, one behind another."""
    return b"".join(np.array(one, "<f2").tobytes() for one in vectors if one is not None) or None


def listed(values: list[str] | None) -> str | None:
    return ", ".join(values) if values else None


def expected(known: World) -> dict[str, dict[Any, tuple[Any, ...]]]:
    """What is read of each entity on each day."""
    found: dict[str, dict[Any, tuple[Any, ...]]] = {}
    for day in DAYS:
        vectors, live = known["embeddings"][day], {}

        def own(kind: str, one: str | None, name: str, value: str = "vector", vectors: Any = vectors) -> Any:
            return vectors.get((kind, one, name), {}).get(value)

        def item(product: str | None, day: str = day) -> dict[str, Any]:
            text = known["product_texts"][day].get(product)
            if text is None:
                return {}
            url = known["products"][day].get(product, {}).get("link_url")
            return {
                **{name: text[name] for name in ("title", "brand", "size")},
                "colors": listed(text["colors"]),
                "gpt": text["category"],
                "links": url,
                "domains": host(url),
            }

        for one, text in known["pin_texts"][day].items():
            pin = known["pins"][day].get(one, {})
            product = pin.get("product_id")
            fields = item(product) | {
                "rich_pin_title": text["link_title"],
                "canonical_desc": "\n".join(t for t in (text["title"], text["description"]) if t) or None,
                "domain": host(pin.get("link_url")),
                "image_caption": text["caption"],
            }
            goods = halves(own("product", product, "itemsage")) if product in known["product_texts"][day] else None
            live["pin", one] = (
                fields,
                text,
                halves(own("pin", one, "pinsage")),
                goods,
                own("image", pin.get("image_id"), "visual", "bits"),
            )
        for one, text in known["product_texts"][day].items():
            shown = known["products"][day].get(one, {}).get("image_ids") or []
            images = list(dict.fromkeys(image for image in shown if image))
            fields = item(one) | {"canonical_desc": text["canonical_desc"], "domain": item(one)["domains"]}
            graphs = halves(*(own("image", i, "pinsage") for i in images))
            bits = b"".join(own("image", i, "visual", "bits") or b"" for i in images) or None
            live["product", one] = (fields, text, graphs, halves(own("product", one, "itemsage")), bits)
        found[day] = {key: row(*value) for key, value in live.items()}
    return found


def row(fields: dict[str, Any], text: dict[str, Any], graphs: bytes | None, item: bytes | None, visuals: bytes | None) -> tuple[Any, ...]:
    """The values of a row, its hash computed here."""
    fields |= {"board_title": listed(text["board_titles"]), "navboost_v2": listed(text["engaged_queries"])}
    said = [fields.get(name) for name in embeddings.NAMES]
    parts = [one or "" for one in said] + [(one or b"").hex().upper() for one in (graphs, item, visuals)]
    return (*said, graphs, item, visuals, hashlib.sha256("\x1f".join(parts).encode()).hexdigest())


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_inputs_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    known = world(3)
    tables = {
        state.PINS: known["pins"],
        state.PRODUCTS: known["products"],
        texts.PINS: known["pin_texts"],
        texts.PRODUCTS: known["product_texts"],
        state.ENTITY_EMBEDDINGS: known["embeddings"],
    }
    given = {table: frame(spark, table, log_rows(table, by_day)) for table, by_day in tables.items()}
    table = embeddings.ENTITY_INPUTS
    made = replay(spark, [job("entity_inputs")], given, CUTS[cut])[table]
    assert stored_rows(made, table.key, table.values) == change_rows(expected(known))
