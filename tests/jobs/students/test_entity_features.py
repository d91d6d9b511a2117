"""What is known of entities: the same however a range is cut into steps, and as a plain recompute tells it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days, shifted
from jobs.registry import job
from schemas import features, signals, state, texts
from tests.changelog import change_rows, lives, log_rows, stored_rows
from tests.replay import frame, replay

FIRST = "2026-01-29"
DAYS = [shifted(FIRST, n) for n in range(6)]
WHOLE = Days(DAYS[0], DAYS[-1])
CUTS = {
    "one step": [WHOLE],
    "uneven": [Days(DAYS[0], DAYS[1]), Days(DAYS[2], DAYS[2]), Days(DAYS[3], DAYS[3]), Days(DAYS[4], DAYS[5])],
}
World = dict[str, dict[str, dict[Any, dict[str, Any]]]]


def world(seed: int) -> World:
    """Pins, products, their texts, and counts of pairs."""
    luck = random.Random(seed)
    pins, products = [f"p{n}" for n in range(25)], [f"s{n}" for n in range(8)]
    pairs = [("pin", pin, query) for pin in pins[:15] for query in ("red vase", "lamp")] + [("product", one, "lamp") for one in products]

    def some(of: tuple[str, ...]) -> list[str]:
        return [name for name in of if luck.random() < 0.4]

    def counts() -> dict[str, int]:
        return dict.fromkeys(COUNTS, 0) | {"impressions": luck.randrange(1, 5), "clicks": luck.randrange(3), "saves": luck.randrange(3)}

    return {
        "pins": lives(luck, DAYS, pins, lambda: {"product_id": luck.choice([None, *products]), "title": luck.choice("ab")}),
        "products": lives(luck, DAYS, products, lambda: {"category": luck.choice([None, "Home > Vases", "Garden", " Home"])}),
        "pin_texts": lives(luck, DAYS, pins, lambda: {"language": luck.choice(["en", "de"]), "sources": some(texts.SOURCES)}),
        "product_texts": lives(luck, DAYS, products, lambda: {"sources": some(("title", "brand", "captions", "link_title"))}),
        "totals": lives(luck, DAYS, pairs, counts),
    }


def interest(category: str | None) -> str | None:
    """The first part of a category."""
    return category.split(">")[0].strip().lower() if category else None


SOURCE_OF = {
    "title": "title",
    "description": "description",
    "caption": "caption",
    "captions": "caption",
    "brand": "description",
    "link_title": "link",
    "link_description": "link",
    "board_titles": "boards",
    "engaged_queries": "queries",
}


def expected(known: World) -> dict[str, dict[Any, tuple[Any, ...]]]:
    """What is known of each entity on each day."""
    found: dict[str, dict[Any, tuple[Any, ...]]] = {}
    born: dict[Any, str] = {}
    for day in DAYS:
        live: dict[Any, tuple[Any, ...]] = {}
        for kind in ("pin", "product"):
            for one, text in known[f"{kind}_texts"][day].items():
                born.setdefault((kind, one), day)
                product = one if kind == "product" else known["pins"][day].get(one, {}).get("product_id")
                about = interest(known["products"][day].get(product, {}).get("category"))
                present = tuple(m for m in features.MATCHED if m in {SOURCE_OF[s] for s in text["sources"]})
                sums = [sum(c[name] for pair, c in known["totals"][day].items() if pair[:2] == (kind, one)) for name in COUNTS]
                live[kind, one] = (text.get("language"), about, present, born[kind, one], *sums)
        born = {key: since for key, since in born.items() if key in live}
        found[day] = live
    return found


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_features_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    known = world(5)
    tables = {
        state.PINS: known["pins"],
        state.PRODUCTS: known["products"],
        texts.PINS: known["pin_texts"],
        texts.PRODUCTS: known["product_texts"],
        signals.ENGAGEMENT_TOTALS: known["totals"],
    }
    given = {table: frame(spark, table, log_rows(table, by_day)) for table, by_day in tables.items()}
    found = replay(spark, [job("entity_features")], given, CUTS[cut])[features.ENTITIES]
    wanted = change_rows(expected(known))
    have = stored_rows(found, features.ENTITIES.key, features.ENTITIES.values)
    wrong = [row for row in have.keys() | wanted.keys() if have.get(row) != wanted.get(row)]
    assert not wrong, [(row, have.get(row), wanted.get(row)) for row in sorted(wrong, key=str)[:3]]
    kinds = {row[1:] for row in wanted.values()}
    assert kinds == {(False, True), (True, True), (False, False)}
    values = [row[0] for row in wanted.values() if row[0]]
    assert {v[1] for v in values} == {None, "home", "garden"}
    assert len({v[3] for v in values}) > 2
