from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.days import Days
from jobs.pins.pin_texts import build
from jobs.registry import job
from schemas import raw, signals, state, texts
from schemas.contract import Table
from tests.changelog import change_rows, interpreted, stored_rows
from tests.jobs.boards import histories as boards
from tests.jobs.pins import histories
from tests.jobs.products.histories import product_updates, products_by_day
from tests.replay import frame, replay

SEED = 8
WHOLE = Days(boards.DAYS[0], boards.DAYS[-1])
CUTS = {
    "one step": [WHOLE],
    "daily": list(WHOLE.steps(1)),
    "uneven": [Days("2026-01-30", "2026-01-31"), Days("2026-02-01", "2026-02-02")],
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
    with interpreted(spark):
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
    day = "2026-01-02"
    pins: list[dict[str, Any]] = [
        {
            "ds": day,
            "pin_id": "full",
            "title": "Red <b>chair</b>",
            "description": "Mail ann@example.org",
            "link_url": "u",
            "language": "en",
        },
        {"ds": day, "pin_id": "bare", "title": "&nbsp;"},
        {"ds": "2025-12-01", "pin_id": "old", "title": "Unchanged"},
        {"ds": "2025-12-01", "pin_id": "moved", "title": "Old pin", "link_url": "u"},
        {"ds": day, "pin_id": "gone", "deleted": True},
    ]
    pages: list[dict[str, Any]] = [{"ds": day, "url": "u", "title": "The page", "description": "About\nchairs", "status": "ok"}]
    titles: list[dict[str, Any]] = [{"ds": "2025-12-01", "pin_id": "full", "titles": [("Chairs", 9, 2), ("Home", 3, 1)]}]
    queries: list[dict[str, Any]] = [{"ds": day, "entity_type": "pin", "entity_id": "full", "queries": [("red chair", 5)]}]
    given: tuple[tuple[Table, Sequence[Mapping[str, Any]]], ...] = (
        (state.PINS, pins),
        (signals.LINK_TEXTS, pages),
        (signals.BOARD_TITLES, titles),
        (signals.ENGAGED_QUERIES, queries),
    )
    pin, page, board, query = (frame(spark, table, rows).drop("changed") for table, rows in given)
    found = {row.pin_id: row for row in build(pin, page, board, query, Days(day, day), PinTextParams()).collect()}

    assert set(found) == {"full", "bare", "moved", "gone"}
    assert found["full"].text == (
        "title: Red chair\ndescription: Mail ***\npage title: The page\npage: About chairs\nboards: Chairs, Home\nsearches: red chair"
    )
    assert found["full"].sources == ["title", "description", "link_title", "link_description", "board_titles", "engaged_queries"]
    assert found["full"].board_titles == ["Chairs", "Home"]
    assert found["full"].engaged_queries == ["red chair"]
    assert found["full"].caption is None
    assert found["moved"].text == "title: Old pin\npage title: The page\npage: About chairs"
    assert (found["bare"].text, found["bare"].sources, found["bare"].title) == ("", [], None)
    assert found["bare"].text_hash == hashlib.sha256(b"").hexdigest()
    assert [name for name in found if found[name].deleted] == ["gone"]


def test_what_does_not_fit_is_cut_from_the_last_sources_and_the_order_is_a_parameter(spark: SparkSession) -> None:
    day = "2026-01-02"
    pins: list[dict[str, Any]] = [{"ds": day, "pin_id": "p", "title": "one two three four", "description": "five six seven eight"}]
    queries: list[dict[str, Any]] = [{"ds": day, "entity_type": "pin", "entity_id": "p", "queries": [("nine ten", 5), ("eleven", 4)]}]
    given: tuple[tuple[Table, Sequence[Mapping[str, Any]]], ...] = (
        (state.PINS, pins),
        (signals.LINK_TEXTS, []),
        (signals.BOARD_TITLES, []),
        (signals.ENGAGED_QUERIES, queries),
    )
    pin, page, board, query = (frame(spark, table, rows).drop("changed") for table, rows in given)

    def text(**params: Any) -> tuple[str, list[str]]:
        row = build(pin, page, board, query, Days(day, day), PinTextParams(**params)).first()
        assert row is not None
        return row.text, row.sources

    everything = ["title", "description", "engaged_queries"]
    assert text(characters=55) == ("title: one two three four\ndescription: five six seven", everything)
    assert text(budgets={"title": 9})[0] == "title: one two\ndescription: five six seven eight\nsearches: nine ten, eleven"
    assert text(sources=("engaged_queries", "title"), labels={"title": "T"}, characters=40) == (
        "searches: nine ten, eleven\nT: one two",
        ["engaged_queries", "title"],
    )


def test_parameters_that_make_no_sense_are_refused() -> None:
    for given, message in (
        ({"sources": ("title", "titel")}, "unknown sources titel; known: title"),
        ({"budgets": {"headline": 3}}, "unknown sources headline"),
        ({"sources": ("title", "title")}, "each source once"),
        ({"budgets": {"title": 0}}, "at least 1"),
        ({"characters": 0}, "at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            PinTextParams(**given)
