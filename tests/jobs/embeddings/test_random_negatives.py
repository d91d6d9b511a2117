"""Negatives are drawn evenly from what lives: each entity on one day of every cycle, whatever the cut."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import SparkSession

from jobs.days import Days, shifted
from jobs.registry import job
from schemas import embeddings, training
from tests.changelog import lives, log_rows
from tests.replay import frame, replay

FIRST = "2026-01-26"
DAYS = [shifted(FIRST, n) for n in range(12)]
CYCLE = 4
CUTS = {
    "one step": [Days(DAYS[0], DAYS[-1])],
    "uneven": [Days(DAYS[0], DAYS[4]), Days(DAYS[5], DAYS[5]), Days(DAYS[6], DAYS[11])],
}


@pytest.fixture(scope="module")
def drawn(spark: SparkSession) -> dict[str, set[tuple[str, str, str, str | None]]]:
    """(ds, entity_type, entity_id, title) of the negatives, by cut."""
    luck = random.Random(2)
    keys = [(kind, f"e{n}") for kind in ("pin", "product") for n in range(25)]
    by_day = lives(luck, DAYS, keys, lambda: {"title": luck.choice("abc"), "board_title": luck.choice("xyz")})
    table = embeddings.ENTITY_INPUTS
    given = {table: frame(spark, table, log_rows(table, by_day))}
    found = {}
    for cut, steps in CUTS.items():
        rows = replay(spark, [job("random_negatives")], given, steps, {"random_negatives": {"cycle_days": CYCLE}})[
            training.RANDOM_NEGATIVES
        ]
        kept = rows.collect()
        assert all(row.board_title is None for row in kept), "what users did counts fifteen days later"
        found[cut] = {(row.ds, row.entity_type, row.entity_id, row.title) for row in kept}
        assert len(found[cut]) == len(kept)
    found["lives"] = {(day, *key, value["title"]) for day, live in by_day.items() for key, value in live.items()}
    return found


def test_every_cut_draws_the_same(drawn: dict[str, set[tuple[str, str, str, str | None]]]) -> None:
    assert drawn["one step"] == drawn["uneven"]


def test_an_entity_is_drawn_on_one_day_of_each_cycle_that_it_lives_on(drawn: dict[str, set[tuple[str, str, str, str | None]]]) -> None:
    rows = drawn["one step"]
    assert rows <= drawn["lives"], "with the text of its day"
    turns: dict[tuple[str, str], set[int]] = {}
    for day, kind, one, _ in rows:
        turns.setdefault((kind, one), set()).add(DAYS.index(day) % CYCLE)
    assert all(len(days) == 1 for days in turns.values())
    assert {next(iter(days)) for days in turns.values()} == set(range(CYCLE)), "every day draws some"
    own = {key: next(iter(days)) for key, days in turns.items()}
    due = {row for row in drawn["lives"] if row[1:3] in own and DAYS.index(row[0]) % CYCLE == own[row[1], row[2]]}
    assert rows == due
