from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.assembly import PinAssembly
from jobs.days import Days
from jobs.pins.pin_texts import build
from jobs.registry import job
from schemas import raw, signals, state, texts
from schemas.contract import Table
from tests.changelog import change_rows, stored_rows
from tests.jobs.boards import histories as boards
from tests.jobs.pins import histories
from tests.jobs.products.histories import product_updates, products_by_day
from tests.replay import frame, replay

SEED = 17
WHOLE = Days(boards.DAYS[0], boards.DAYS[-1])
# Nights, and several days behind an opening, one of them a month's first.
CUTS = {
    "one step": [WHOLE],
    "uneven": [Days("2026-01-30", "2026-01-30"), Days("2026-01-31", "2026-02-01"), Days("2026-02-02", "2026-02-02")],
}
PARAMS: dict[str, dict[str, Any]] = {
    "pin_texts": {"labels": histories.LABELS, "budgets": histories.BUDGETS, "characters": histories.CHARACTERS},
}
TABLES = {
    "products": state.PRODUCTS,
    "pages": signals.LINK_TEXTS,
    "clicks": signals.LINK_CLICKS,
    "captions": signals.IMAGE_CAPTIONS,
    "titles": signals.BOARD_TITLES,
    "queries": signals.ENGAGED_QUERIES,
}


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_texts_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    updates = histories.pin_updates(SEED)
    pins, holdings = boards.pins_by_day(updates), boards.holdings_by_day(boards.board_saves(SEED))
    world = {
        "products": products_by_day(product_updates(SEED)),
        "pages": histories.pages_by_day(SEED),
        "clicks": histories.clicks_by_day(SEED),
        "captions": histories.captions_by_day(SEED),
        "titles": boards.titles_by_day(pins, holdings),
        "queries": histories.queries_by_day(SEED),
    }
    given = {raw.PIN_UPDATES: frame(spark, raw.PIN_UPDATES, updates)}
    given |= {table: frame(spark, table, histories.stored(table, world[name])) for name, table in TABLES.items()}
    found = replay(spark, [job("pins"), job("pin_texts")], given, CUTS[cut], PARAMS)

    wanted = change_rows(histories.texts_by_day(updates, world))
    assert stored_rows(found[state.PINS], ("pin_id",), state.PINS.values) == change_rows(pins)
    assert stored_rows(found[texts.PINS], ("pin_id",), texts.PINS.values) == wanted
    present = [row[0][-1] for row in wanted.values() if row[0]]
    assert () in present
    assert {name for names in present for name in names} == set(texts.SOURCES)
    assert {row[1:] for row in wanted.values()} == {(False, True), (True, True), (False, False)}
    assert len(wanted) > 80


def test_a_pin_text_holds_every_source_and_a_pin_without_any_keeps_a_row(spark: SparkSession) -> None:
    day, earlier = "2026-01-02", "2025-12-01"
    told: dict[Table, list[dict[str, Any]]] = {
        state.PINS: [
            {
                "ds": day,
                "pin_id": "full",
                "title": "Red <b>chair</b>",
                "description": "Mail ann@example.org",
                "link_url": "u",
                "image_id": "i",
                "language": "en",
            },
            {"ds": day, "pin_id": "bare", "title": "&nbsp;"},
            {"ds": earlier, "pin_id": "old", "title": "Unchanged", "link_url": "clicked"},
            {"ds": earlier, "pin_id": "moved", "title": "Old pin", "link_url": "u"},
            {"ds": earlier, "pin_id": "shopping", "link_url": "u", "product_id": "s"},
            {"ds": earlier, "pin_id": "shopped", "link_url": "half", "product_id": "s"},
            {"ds": earlier, "pin_id": "seen", "image_id": "i"},
            {"ds": day, "pin_id": "gone", "deleted": True},
        ],
        state.PRODUCTS: [{"ds": earlier, "product_id": "s", "link_url": "shop"}],
        signals.LINK_TEXTS: [
            {"ds": day, "url": "u", "title": "The page", "description": "About\nchairs", "status": "ok"},
            {"ds": earlier, "url": "shop", "title": "The shop", "status": "no_description"},
            {"ds": earlier, "url": "half", "title": "&nbsp;", "description": "Half a page", "status": "ok"},
        ],
        signals.LINK_CLICKS: [{"ds": day, "url": url, "long_clicks": n} for url, n in (("u", 1), ("shop", 2), ("half", 2), ("clicked", 9))],
        signals.IMAGE_CAPTIONS: [{"ds": day, "image_id": "i", "caption": "a  red chair"}],
        signals.BOARD_TITLES: [{"ds": earlier, "pin_id": "full", "titles": [("Chairs", 9, 2), ("Home", 3, 1)]}],
        signals.ENGAGED_QUERIES: [
            {"ds": day, "entity_type": kind, "entity_id": "full", "queries": [(f"{kind} query", 5)]} for kind in ("pin", "product")
        ],
    }
    frames = [frame(spark, table, rows).drop("changed") for table, rows in told.items()]
    found = {row.pin_id: row for row in build(*frames, Days(day, day), PinAssembly()).collect()}

    assert set(found) == {"full", "bare", "moved", "shopping", "shopped", "seen", "gone"}, "clicks alone touch only pins with two pages"
    assert found["full"].text == (
        "title: Red chair\nimage: a red chair\nsearches: pin query\nboards: Chairs, Home\npage title: The page\n"
        "description: Mail ***\npage: About chairs"
    )
    assert found["full"].sources == list(PinAssembly().sources)
    assert found["full"].board_titles == ["Chairs", "Home"]
    assert found["full"].engaged_queries == ["pin query"]
    assert found["moved"].text == "title: Old pin\npage title: The page\npage: About chairs"
    assert found["shopping"].text == "page title: The shop\npage: About chairs", "each text of the page with more long clicks that has it"
    assert found["shopped"].text == "page title: The shop\npage: Half a page", "of equals the pin's own"
    assert found["seen"].text == "image: a red chair"
    assert (found["bare"].text, found["bare"].sources, found["bare"].title) == ("", [], None)
    assert found["bare"].text_hash == hashlib.sha256(b"").hexdigest()
    assert [name for name in found if found[name].deleted] == ["gone"]
