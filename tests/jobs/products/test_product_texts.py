from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.assembly import ProductAssembly
from jobs.days import Days
from jobs.products.product_texts import build
from jobs.registry import job
from schemas import raw, signals, state, texts
from tests.changelog import change_rows, interpreted, stored_rows
from tests.jobs.boards import histories as boards
from tests.jobs.pins import histories as pins
from tests.jobs.products import histories
from tests.replay import frame, replay

SEED = 5
WHOLE = Days(boards.DAYS[0], boards.DAYS[-1])
CUTS = {
    "one step": [WHOLE],
    "daily": list(WHOLE.steps(1)),
    "uneven": [Days("2026-01-30", "2026-01-31"), Days("2026-02-01", "2026-02-02")],
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
    with interpreted(spark):
        found = replay(spark, [job("products"), job("product_texts")], given, CUTS[cut], PARAMS)

    wanted = change_rows(histories.texts_by_day(products, pin_updates, world))
    assert stored_rows(found[state.PRODUCTS], ("product_id",), state.PRODUCTS.values) == change_rows(products)
    assert stored_rows(found[texts.PRODUCTS], ("product_id",), texts.PRODUCTS.values) == wanted
    present = [row[0][-1] for row in wanted.values() if row[0]]
    assert {name for names in present for name in names} == set(texts.PRODUCT_SOURCES)
    assert {row[1:] for row in wanted.values()} == {(False, True), (True, True), (False, False)}
    assert len(wanted) > 20
