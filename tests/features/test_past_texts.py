"""What a grader may be shown: the text of that day, and nothing that users did with the entity in the two weeks before it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.past_texts import LAG_DAYS, Variants, texts_then
from jobs.days import Days, shifted
from jobs.reading import read
from jobs.spec import log
from schemas import texts
from tests.replay import frame

FIRST = "2026-01-20"
DAYS = [shifted(FIRST, n) for n in range(60)]
RANGE = Days(DAYS[25], DAYS[50])
PINS = 60


def history(rng: random.Random) -> dict[str, dict[str, dict[str, Any] | None]]:
    """Day -> what each pin says from that day on; None: it is gone. Every word names its day, so that a leak can be seen."""
    found: dict[str, dict[str, dict[str, Any] | None]] = {}
    for day in DAYS:
        found[day] = {}
        for n in range(PINS):
            if rng.random() < 0.08:
                said = {"title": f"said on {day}", "engaged_queries": [f"asked by {day}"] if rng.random() < 0.8 else None}
                found[day][f"pin{n}"] = said if rng.random() < 0.85 else None
    return found


def stored(says: dict[str, dict[str, dict[str, Any] | None]]) -> list[dict[str, Any]]:
    """texts.pins of the history, every month's first with all that lives."""
    rows: list[dict[str, Any]] = []
    live: dict[str, dict[str, Any]] = {}
    for day in DAYS:
        for pin, said in says[day].items():
            if said is not None or pin in live:
                rows.append({"ds": day, "pin_id": pin, **(said or {"deleted": True})})
            if said is None:
                live.pop(pin, None)
            else:
                live[pin] = said
        if day.endswith("-01"):
            rows += [{"ds": day, "pin_id": pin, **said, "changed": False} for pin, said in live.items() if pin not in says[day]]
    return rows


def as_of(says: dict[str, dict[str, dict[str, Any] | None]], pin: str, day: str) -> dict[str, Any] | None:
    """What the pin says on a day, looked up day by day."""
    for past in reversed([one for one in DAYS if one <= day]):
        if pin in says[past]:
            return says[past][pin]
    return None


@pytest.mark.parametrize("seed", [1, 2])
def test_texts_are_those_of_the_day_and_queries_those_of_two_weeks_before(spark: SparkSession, seed: int) -> None:
    rng = random.Random(seed)
    says = history(rng)
    table = frame(spark, texts.PINS, stored(says))
    pairs = {(day, f"pin{rng.randrange(PINS)}") for day in RANGE for _ in range(12)}
    graded = spark.createDataFrame([(day, "pin", pin) for day, pin in pairs], "ds string, entity_type string, entity_id string")
    now, before = (read(table, texts.PINS, how, RANGE, FIRST) for how in (log(), log(lag=LAG_DAYS)))
    rows = texts_then(graded, {"pin": now}, {"pin": before}, {"pin": Variants().assemblies()["pin"]}).collect()
    wanted = {}
    for day, pin in pairs:
        said, earlier = as_of(says, pin, day), as_of(says, pin, shifted(day, -LAG_DAYS)) or {}
        if said is not None:
            queries = earlier.get("engaged_queries")
            wanted[day, pin] = f"title: {said['title']}" + (f"\nsearches: {queries[0]}" if queries else "")
    assert {(r.ds, r.entity_id): r.text for r in rows} == wanted
    assert len(rows) == len(wanted)
    shown = [(r.ds, line.rpartition(" ")[2]) for r in rows for line in r.text.split("\n") if line.startswith("searches")]
    assert len(shown) > 30
    assert all(asked <= shifted(day, -LAG_DAYS) for day, asked in shown)


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown variant nothing"):
        Variants(product_variant="nothing")
