"""Details of the top queries that the random histories reach seldom or never."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days
from jobs.queries.engaged_queries import EngagedQueryParams, build
from schemas import signals
from tests.replay import frame

DAY = "2026-02-04"


def total(entity: tuple[str, str], query: str, ds: str = DAY, **counts: int) -> dict[str, Any]:
    """A row of totals, zero where nothing is said."""
    return {"ds": ds, "entity_type": entity[0], "entity_id": entity[1], "query": query, **dict.fromkeys(COUNTS, 0), **counts}


def test_scores_weigh_actions_ties_go_by_text_and_twenty_are_kept(spark: SparkSession) -> None:
    pin, ad, lamp, sofa = ("pin", "p"), ("ad", "a"), ("query", "lamp"), ("query", "sofa")
    many = [f"q{n:02}" for n in range(25)]
    totals = [total(pin, query, clicks=2) for query in many]
    totals += [
        total(ad, "lamp", impressions=50),
        total(ad, "sofa", long_clicks=1),
        total(ad, "rug", clicks=3),
        total(ad, "secret", saves=9),
    ]
    totals += [total(ad, "call 650 253 0000", saves=9), total(ad, "ann@example.org", saves=9), total(ad, "bed", offsite_checkouts=1)]
    totals += [
        total(lamp, "lamp", saves=1),
        total(lamp, "sofa", saves=1),
        total(("query", "secret"), "lamp", saves=1),
        total(sofa, "secret", saves=1),
    ]
    totals += [total(("query", "ann@example.org"), "lamp", saves=1)]
    public = [*many, "lamp", "sofa", "rug", "bed", "call 650 253 0000", "ann@example.org"]
    log = frame(spark, signals.ENGAGEMENT_TOTALS, totals).drop("changed")
    spoken = frame(spark, signals.PUBLIC_QUERIES, [{"ds": DAY, "query": query} for query in public]).drop("changed")
    found = build(log, spoken, Days(DAY, DAY), EngagedQueryParams()).collect()
    rows = {(r.entity_type, r.entity_id): [tuple(q) for q in r.queries] for r in found}
    assert rows == {
        pin: [(query, 2) for query in many[:20]],
        ad: [("bed", 10), ("rug", 3), ("sofa", 3)],
        lamp: [("sofa", 5)],
    }
    assert {r.deleted for r in found} == {False}


def test_an_entity_whose_scores_stand_still_is_not_ranked_again(spark: SparkSession) -> None:
    pin, still = ("pin", "p"), ("pin", "still")
    before = [total(pin, "lamp", "2026-02-01", clicks=1), total(still, "lamp", "2026-02-01", clicks=1)]
    log = frame(spark, signals.ENGAGEMENT_TOTALS, [*before, total(pin, "lamp", clicks=2), total(still, "lamp", clicks=1, impressions=5)])
    spoken = frame(spark, signals.PUBLIC_QUERIES, [{"ds": "2026-02-01", "query": "lamp"}])
    found = build(log.drop("changed"), spoken.drop("changed"), Days(DAY, DAY), EngagedQueryParams()).collect()
    assert [(r.ds, r.entity_id, [tuple(q) for q in r.queries]) for r in found] == [(DAY, "p", [("lamp", 2)])]


@pytest.mark.parametrize(("params", "words"), [({"clicks": -1}, "clicks: weights"), ({"top": 21}, "top is 21"), ({"top": 0}, "top is 0")])
def test_params_that_make_no_sense_are_refused(params: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EngagedQueryParams(**params)
