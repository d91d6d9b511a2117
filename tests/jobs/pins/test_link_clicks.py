"""Long clicks by page: over random logs, however the days are cut, every row is the one that a plain recompute gives."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days, shifted
from jobs.registry import job
from schemas import signals, state
from schemas.contract import Table
from tests.changelog import change_rows, stored_rows
from tests.replay import frame, replay

FIRST, LAST = "2026-01-29", "2026-02-03"
WHOLE = Days(FIRST, LAST)
URLS = (None, " ", "u0", "u1", "u2", "u3", "u4")
Snapshots = dict[str, dict[Any, Any]]
CUTS = {
    "one step": [WHOLE],
    "uneven": [Days(FIRST, "2026-01-31"), Days("2026-02-01", "2026-02-01"), Days("2026-02-02", LAST)],
}


def entities_by_day(kind: str, table: Table, rng: random.Random) -> Snapshots:
    """Entity -> the table's values on every day; they come, turn to other pages, change otherwise, go and come back."""
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in WHOLE:
        for _ in range(25):
            values = {"link_url": rng.choice(URLS), "title": rng.choice((None, "a", "b"))}
            live[f"{kind}{rng.randrange(50)}"] = None if rng.random() < 0.25 else tuple(values.get(name) for name in table.values)
        found[day] = {key: values for key, values in live.items() if values is not None}
    return found


def totals_by_day(rng: random.Random) -> Snapshots:
    """Pair -> counts on every day; long clicks rise, expire and stand still while other counts move."""
    live: dict[Any, Any] = {}
    found: Snapshots = {}
    for day in WHOLE:
        for _ in range(60):
            kind = rng.choice(("pin", "pin", "product", "ad", "query"))
            # Ids of pins and products are alike, so that only the type tells them apart; some of no pin at all.
            name = f"{rng.choice(('pin', 'product'))}{rng.randrange(55)}"
            counts = dict.fromkeys(COUNTS, 0) | {"long_clicks": rng.choice((0, 0, 1, 2, 3_000_000_000)), "impressions": rng.randrange(3)}
            live[kind, name, rng.choice(("lamp", "sofa", "rare"))] = tuple(counts.values()) if any(counts.values()) else None
        found[day] = {key: values for key, values in live.items() if values is not None}
    return found


def clicks_by_day(pins: Snapshots, products: Snapshots, totals: Snapshots) -> Snapshots:
    """Page -> (long clicks,) on every day, from what stands on that day alone."""
    link, long = (table.values.index("link_url") for table in (state.PINS, state.PRODUCTS)), COUNTS.index("long_clicks")
    places = dict(zip(("pin", "product"), link, strict=True))
    found: Snapshots = {}
    for day in WHOLE:
        sums: Counter[str] = Counter()
        for kind, live in (("pin", pins[day]), ("product", products[day])):
            for entity, values in live.items():
                url = values[places[kind]]
                if url and url.strip():
                    sums[url] += sum(counts[long] for pair, counts in totals[day].items() if pair[:2] == (kind, entity))
        found[day] = {url: (clicks,) for url, clicks in sums.items() if clicks}
    return found


def stored(table: Table, snapshots: Snapshots) -> list[dict[str, Any]]:
    """The rows of a CHANGES table that holds these snapshots."""
    rows = []
    for (day, entity), (value, deleted, changed) in change_rows(snapshots).items():
        key = (entity,) if len(table.key) == 1 else entity
        values = dict(zip(table.values, value or [None] * len(table.values), strict=True))
        rows.append({"ds": day, **dict(zip(table.key, key, strict=True)), **values, "deleted": deleted, "changed": changed})
    return rows


@pytest.fixture(scope="module")
def history() -> dict[Table, Snapshots]:
    """Snapshots of the inputs and of what the job must make of them."""
    rng = random.Random(5)
    pins, products = entities_by_day("pin", state.PINS, rng), entities_by_day("product", state.PRODUCTS, rng)
    totals = totals_by_day(rng)
    return {
        state.PINS: pins,
        state.PRODUCTS: products,
        signals.ENGAGEMENT_TOTALS: totals,
        signals.LINK_CLICKS: clicks_by_day(pins, products, totals),
    }


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_the_rows_of_a_plain_recompute(spark: SparkSession, history: dict[Table, Snapshots], cut: str) -> None:
    expected = change_rows(history[signals.LINK_CLICKS])
    kinds = Counter((deleted, changed) for _, deleted, changed in expected.values())
    assert kinds[False, True] > 12, "pages whose clicks change"
    given = {table: frame(spark, table, stored(table, days)) for table, days in history.items() if table != signals.LINK_CLICKS}
    found = replay(spark, [job("link_clicks")], given, CUTS[cut])[signals.LINK_CLICKS]
    assert stored_rows(found, signals.LINK_CLICKS.key, signals.LINK_CLICKS.values) == expected


def test_clicks_follow_a_pin_from_page_to_page_and_no_query_goes_with_them(spark: SparkSession) -> None:
    days = [shifted(FIRST, n) for n in range(4)]
    urls = ("old", "new", "new", None)  # the last: the pin is deleted
    pins = [{"ds": ds, "pin_id": "p", "link_url": url, "deleted": url is None} for ds, url in zip(days, urls, strict=True)]
    pair = {"entity_type": "pin", "entity_id": "p", **dict.fromkeys(COUNTS, 0)}
    totals = [{"ds": days[0], "query": "a secret", **pair, "long_clicks": 2}, {"ds": days[2], "query": "lamp", **pair, "long_clicks": 1}]
    given = {state.PINS: frame(spark, state.PINS, pins), signals.ENGAGEMENT_TOTALS: frame(spark, signals.ENGAGEMENT_TOTALS, totals)}
    found = replay(spark, [job("link_clicks")], given, list(Days(days[0], days[3]).steps(1)))[signals.LINK_CLICKS]
    rows = [tuple(row) for row in found.orderBy("ds", "url").select("ds", "url", "long_clicks", "deleted").collect()]
    assert rows == [
        (days[0], "old", 2, False),
        (days[1], "new", 2, False),
        (days[1], "old", None, True),
        (days[2], "new", 3, False),
        (days[3], "new", None, True),
    ]
