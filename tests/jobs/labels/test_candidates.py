"""Pairs for the teacher: of public queries, from all that was shown, or formed where nothing was searched."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.days import Days
from jobs.labels.candidates import CandidateParams, build
from schemas import labels, raw, signals, texts, training
from tests.replay import frame

DAY, NEXT = "2026-01-05", "2026-01-06"
PINS = [{"ds": "2026-01-01", "pin_id": f"p{n}", "title": f"title {n}", "text": "t"} for n in range(2_000)]
PRODUCTS = [{"ds": "2026-01-01", "product_id": "shop", "title": "Lamp", "brand": "Lux", "text": "t"}]


def shown(number: int, query: str = "lamp", entity: str = "p1", ds: str = DAY, **other: Any) -> dict[str, Any]:
    """A row of raw.search_events."""
    ts = dt.datetime.fromisoformat(f"{ds}T12:00:00+00:00")
    kind = {"entity_type": "pin", "entity_id": entity, "action": "impression", "position": 1, "language": "en"}
    return {
        "ds": ds,
        "event_id": f"{ds}{number}",
        "user_id": f"u{number}",
        "request_id": f"r{number}",
        "query": query,
        "ts": ts,
        **kind,
        **other,
    }


def candidates(
    spark: SparkSession,
    events: list[dict[str, Any]],
    public: list[dict[str, Any]],
    params: CandidateParams | None = None,
    days: Days | None = None,
    examples: list[dict[str, Any]] | None = None,
    pins: list[dict[str, Any]] | None = None,
    products: list[dict[str, Any]] | None = None,
) -> DataFrame:
    """What the build makes of these rows."""
    now = {
        "pin": frame(spark, texts.PINS, pins or PINS).drop("changed"),
        "product": frame(spark, texts.PRODUCTS, products or PRODUCTS).drop("changed"),
    }
    return build(
        frame(spark, raw.SEARCH_EVENTS, events),
        frame(spark, signals.PUBLIC_QUERIES, public).drop("changed"),
        frame(spark, training.TEACHER_EXAMPLES, examples or []),
        now["pin"],
        now["pin"].where("false"),
        now["product"],
        now["product"].where("false"),
        days or Days(DAY, DAY),
        params or CandidateParams(),
    ).select(*(c.name for c in labels.CANDIDATES.fields), "refused", "refused_key")


def test_a_pair_of_a_public_query_is_a_candidate_whether_or_not_anybody_clicked(spark: SparkSession) -> None:
    events = [
        shown(1, "Lamp ", position=7),
        shown(2, "lamp", position=2, language="de"),
        shown(3, "lamp", position=9, language="de", action="click"),
        shown(4, "lamp", entity="p2", position=None, language=None),
        shown(5, "lamp", entity="shop", entity_type="product", position=30),
        shown(6, "lamp", entity="an ad", entity_type="ad"),
        shown(12, "lamp", entity="unknown"),
        shown(7, "secret"),
        shown(8, "left"),
        shown(9, "left", ds=NEXT),
        shown(10, "comes", ds=NEXT),
        shown(11, "comes"),
    ]
    public = [
        {"ds": "2026-01-01", "query": "lamp"},
        {"ds": "2026-01-01", "query": "left"},
        {"ds": DAY, "query": "left", "deleted": True},
        {"ds": NEXT, "query": "comes"},
    ]
    found = candidates(spark, events, public, days=Days(DAY, NEXT)).collect()
    rows = [r for r in found if r.refused is None]
    assert [(r.refused, r.refused_key) for r in found if r.refused] == [
        ("no text of the pin on that day", '{"query":"lamp","entity_type":"pin","entity_id":"unknown"}')
    ]
    assert {(r.ds, r.query, r.entity_type, r.entity_id): (r.language, r.position, r.events, r.stratum, r.probability) for r in rows} == {
        (DAY, "lamp", "pin", "p1"): ("de", 2, 3, "tail/de/1-3", 1.0),
        (DAY, "lamp", "pin", "p2"): (None, None, 1, "tail/unknown/unknown", 1.0),
        (DAY, "lamp", "product", "shop"): ("en", 30, 1, "tail/en/26-", 1.0),
        (NEXT, "comes", "pin", "p1"): ("en", 1, 1, "tail/en/1-3", 1.0),
    }
    (shop,) = [r for r in rows if r.entity_id == "shop"]
    assert shop.text == "title: Lamp\nbrand: Lux"
    assert shop.request_key == hashlib.sha256(b"lamp\x1fproduct\x1fshop").hexdigest()
    assert shop.input_hash == hashlib.sha256(f"lamp\x1f{shop.text}".encode()).hexdigest()


def test_popularity_is_of_the_query_and_a_query_has_at_most_so_many_pairs(spark: SparkSession) -> None:
    events = [shown(n, "head", f"p{n}") for n in range(120)] + [shown(200 + n, "middle", f"p{n % 4}") for n in range(20)]
    public = [{"ds": DAY, "query": query} for query in ("head", "middle")]
    rows = candidates(spark, events, public, CandidateParams(query_most=30)).collect()
    found = {query: [r for r in rows if r.query == query] for query in ("head", "middle")}
    assert {r.stratum for r in found["head"]} == {"head/en/1-3"}
    assert {r.stratum for r in found["middle"]} == {"middle/en/1-3"}
    assert [len(found["head"]), len(found["middle"])] == [30, 4]
    assert {r.probability for r in found["head"]} == {0.25}


def test_the_day_has_about_the_size_that_was_asked_for(spark: SparkSession) -> None:
    events = [shown(n, f"q{n % 40}", f"p{n}", position=1 + n % 30) for n in range(2_000)]
    public = [{"ds": DAY, "query": f"q{n}"} for n in range(40)]
    rows = candidates(spark, events, public, CandidateParams(size=400)).collect()
    assert 320 <= len(rows) <= 480
    assert {r.stratum for r in rows} == {f"middle/en/{part}" for part in ("1-3", "4-10", "11-25", "26-")}
    again = candidates(spark, events[::-1], public, CandidateParams(size=400)).collect()
    assert {r.request_key for r in again} == {r.request_key for r in rows}


def test_without_searches_pairs_are_formed_of_graded_training_queries_and_what_has_a_text(spark: SparkSession) -> None:
    target, common = [0.2] * 5, {"mean": 3.0, "level_low": 1, "level_high": 5, "level": 3.0, "text": "t", "text_hash": "0" * 64}
    graded = [("Red Lamp", "train", DAY), ("blue sofa", "train", NEXT), ("oak table", "test", DAY)]
    examples = [
        {"ds": ds, "example_id": f"{n:064}", "query": q, "entity_type": "pin", "entity_id": "p", "target": target, "split": part, **common}
        for n, (q, part, ds) in enumerate(graded)
    ]
    products = [
        {"ds": "2026-01-01", "product_id": f"product{n}", "title": f"{kind} {n}", "text": f"title: {kind} {n}"}
        for n in range(1_000)
        for kind in ["a lamp" if n < 30 else "thing"]
    ]
    pins = [
        {"ds": "2026-01-01", "pin_id": "lit", "title": "red lamp", "text": "title: red lamp"},
        {"ds": "2026-01-01", "pin_id": "empty", "text": ""},
        {"ds": "2026-01-01", "pin_id": "gone", "text": "title: lamp"},
        {"ds": DAY, "pin_id": "gone", "deleted": True},
    ]
    rows = candidates(
        spark, [], [], CandidateParams(formed_most=40, words_most=100), examples=examples, pins=pins, products=products
    ).collect()
    assert {r.query for r in rows} == {"red lamp"}, "graded by that day, for training"
    words = [r for r in rows if r.stratum == "formed/words"]
    others = [r for r in rows if r.stratum == "formed/any"]
    assert len(words) == 20, "half of what a query may have"
    assert sorted({r.probability for r in words}) == [pytest.approx(20 / 31)]
    assert all(r.entity_id == "lit" or int(r.entity_id[7:]) < 30 for r in words)
    assert 5 <= len(others) <= 40
    assert sorted({r.probability for r in others}) == [pytest.approx(1 / 50)]
    assert not {"empty", "gone"} & {r.entity_id for r in rows}
    assert len({r.request_key for r in rows}) == len(rows)


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="size, query_most, formed_most and words_most are at least 1"):
        CandidateParams(size=0)
