from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.assembly import ProductAssembly
from jobs.days import Days
from jobs.products.product_texts import build
from jobs.registry import job
from schemas import raw, signals, state, texts
from schemas.contract import Table
from tests.changelog import change_rows, stored_rows
from tests.jobs.boards import histories as boards
from tests.jobs.pins import histories as pins
from tests.jobs.products import histories
from tests.replay import frame, replay

SEED = 17
WHOLE = Days(boards.DAYS[0], boards.DAYS[-1])
# Nights, and several days behind an opening, one of them a month's first.
CUTS = {
    "one step": [WHOLE],
    "uneven": [Days("2026-01-30", "2026-01-30"), Days("2026-01-31", "2026-02-01"), Days("2026-02-02", "2026-02-02")],
}
PARAMS: dict[str, dict[str, Any]] = {
    "product_texts": {"labels": histories.LABELS, "budgets": histories.BUDGETS, "characters": histories.CHARACTERS},
}


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_texts_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    updates, pin_updates = histories.product_updates(SEED), pins.pin_updates(SEED)
    products, live_pins = histories.products_by_day(updates), boards.pins_by_day(pin_updates)
    titles = boards.titles_by_day(live_pins, boards.holdings_by_day(boards.board_saves(SEED)))
    world = {
        "pages": pins.pages_by_day(SEED),
        "captions": pins.captions_by_day(SEED),
        "titles": titles,
        "queries": pins.queries_by_day(SEED),
    }
    tables = (signals.LINK_TEXTS, signals.IMAGE_CAPTIONS, signals.BOARD_TITLES, signals.ENGAGED_QUERIES)
    given = {table: frame(spark, table, pins.stored(table, snapshots)) for table, snapshots in zip(tables, world.values(), strict=True)}
    given |= {
        raw.PRODUCT_UPDATES: frame(spark, raw.PRODUCT_UPDATES, updates),
        state.PINS: frame(spark, state.PINS, pins.stored(state.PINS, live_pins)),
    }
    found = replay(spark, [job("products"), job("product_texts")], given, CUTS[cut], PARAMS)

    wanted = change_rows(histories.texts_by_day(products, pin_updates, world))
    assert stored_rows(found[state.PRODUCTS], ("product_id",), state.PRODUCTS.values) == change_rows(products)
    assert stored_rows(found[texts.PRODUCTS], ("product_id",), texts.PRODUCTS.values) == wanted
    present = [row[0][-1] for row in wanted.values() if row[0]]
    assert {name for names in present for name in names} == set(texts.PRODUCT_SOURCES)
    assert {row[1:] for row in wanted.values()} == {(False, True), (True, True), (False, False)}
    assert len(wanted) > 20


def test_a_product_text_gathers_the_captions_of_its_images_and_the_boards_of_its_pins(spark: SparkSession) -> None:
    day, earlier = "2026-01-02", "2025-12-01"
    told: dict[Table, list[dict[str, Any]]] = {
        state.PRODUCTS: [
            {
                "ds": earlier,
                "product_id": "full",
                "title": "<p>Red chair</p>",
                "category": "Home &gt; Chairs",
                "colors": ["red", None, "red ", "dark red"],
                "image_ids": ["i2", "i1", "i0", "i1"],
                "link_url": "u",
            },
            {"ds": day, "product_id": "bare", "colors": [], "image_ids": []},
            {"ds": earlier, "product_id": "left", "title": "Left behind"},
            {"ds": earlier, "product_id": "old", "title": "Unchanged", "image_ids": ["i0"]},
        ],
        state.PINS: [
            {"ds": earlier, "pin_id": "a", "product_id": "full"},
            {"ds": earlier, "pin_id": "b", "product_id": "left"},
            {"ds": day, "pin_id": "b", "product_id": "full"},
            {"ds": earlier, "pin_id": "c"},
        ],
        signals.LINK_TEXTS: [{"ds": earlier, "url": "u", "title": "Caf\u00c3\u00a9 chairs", "status": "no_description"}],
        signals.IMAGE_CAPTIONS: [
            {"ds": day, "image_id": "i1", "caption": "a chair"},
            {"ds": earlier, "image_id": "i0", "caption": "a chair "},
            {"ds": earlier, "image_id": "i2", "caption": "a red chair"},
        ],
        signals.BOARD_TITLES: [
            {"ds": earlier, "pin_id": "a", "titles": [("Chairs", 9, 2), ("Home", 8, 1), ("Zen", 3, 1)]},
            {"ds": earlier, "pin_id": "b", "titles": [("home!", 7, 1), ("Attic", 3, 1)]},
            {"ds": earlier, "pin_id": "c", "titles": [("Other", 99, 1)]},
        ],
        signals.ENGAGED_QUERIES: [
            {"ds": earlier, "entity_type": kind, "entity_id": "full", "queries": [(f"{kind} query", 5)]} for kind in ("pin", "product")
        ],
    }
    frames = [frame(spark, table, rows).drop("changed") for table, rows in told.items()]
    found = {row.product_id: row for row in build(*frames, Days(day, day), ProductAssembly()).collect()}

    assert set(found) == {"full", "bare", "left"}
    assert found["full"].text == (
        "title: Red chair\ncategory: Home > Chairs\ncolor: red, dark red\nsearches: product query\nimages: a red chair, a chair\n"
        "boards: Home, Chairs, Attic, Zen\npage title: Caf\u00e9 chairs"
    )
    assert found["full"].captions == ["a red chair", "a chair"]
    assert found["left"].board_titles is None
    assert (found["bare"].text, found["bare"].sources, found["bare"].colors, found["bare"].captions) == ("", [], None, None)


def test_a_lake_of_products_alone_has_their_titles_and_descriptions(spark: SparkSession) -> None:
    day = "2026-01-02"
    products = [{"ds": day, "product_id": "p", "title": "Chair", "description": "<ul><li>Oak</li></ul>"}]
    given = {state.PRODUCTS: frame(spark, state.PRODUCTS, products)}
    found = replay(spark, [job("product_texts")], given, [Days(day, day)], {"product_texts": {"variant": "without_title"}})
    (row,) = found[texts.PRODUCTS].collect()
    assert {name for name in texts.PRODUCT_SOURCES if row[name] is not None} == {"title", "description"}
    assert (row.text, row.sources) == ("description: Oak", ["description"])
