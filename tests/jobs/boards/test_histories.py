"""The board jobs over random histories: however the days are cut, every row is the one that a plain recompute from raw gives."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.days import Days
from jobs.registry import job
from schemas import raw, signals, state
from tests.changelog import change_rows, stored_rows
from tests.jobs.boards import histories
from tests.replay import frame, planned_for_many, replay

WHOLE = Days(histories.DAYS[0], histories.DAYS[-1])
CUTS = {
    "one step": [WHOLE],
    "uneven": [Days("2026-01-30", "2026-01-30"), Days("2026-01-31", "2026-01-31"), Days("2026-02-01", "2026-02-02")],
}
SEED = 64
PARAMS: dict[str, dict[str, Any]] = {
    "board_titles": {"titles": histories.TOP, "min_boards": histories.MIN_BOARDS, "min_users": histories.MIN_USERS}
}


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_rows_of_a_plain_recompute(spark: SparkSession, cut: str) -> None:
    updates, saves = histories.pin_updates(SEED), histories.board_saves(SEED)
    given = {raw.PIN_UPDATES: frame(spark, raw.PIN_UPDATES, updates), raw.BOARD_SAVES: frame(spark, raw.BOARD_SAVES, saves)}
    jobs = [job(name) for name in ("pins", "pin_boards", "word_prevalence", "board_titles")]
    with planned_for_many(spark) if cut == "one step" else nullcontext():
        found = replay(spark, jobs, given, CUTS[cut], PARAMS)

    pins, holdings = histories.pins_by_day(updates), histories.holdings_by_day(saves)
    assert stored_rows(found[state.PINS], ("pin_id",), state.PINS.values) == change_rows(pins)
    assert stored_rows(found[signals.PIN_BOARDS], ("pin_id", "board_id"), ("title", "user_hashes")) == change_rows(holdings)
    frozen = {(day, *key): counts for day, rows in histories.prevalence(pins, holdings).items() for key, counts in rows.items()}
    stored = [tuple(row) for row in found[signals.WORD_PREVALENCE].select("ds", "language", "word", "boards", "total_boards").collect()]
    assert len(stored) == len(frozen)
    assert {row[:3]: row[3:] for row in stored} == frozen
    titles = change_rows(histories.titles_by_day(pins, holdings))
    assert stored_rows(found[signals.BOARD_TITLES], ("pin_id",), ("titles",)) == titles
    kinds = {row[1:] for row in titles.values()}
    assert kinds == {(False, True), (True, True), (False, False)}, "the histories no longer try every kind of row"
    assert len(titles) > 80
    assert histories.near_duplicates(pins, holdings) > 5, "the histories no longer try near-duplicates"
