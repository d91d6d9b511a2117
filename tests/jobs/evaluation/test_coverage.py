from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from jobs.evaluation.coverage import LANGUAGES, coverage, engagements, metrics, rendered
from schemas import signals, texts
from tests.replay import frame

DAY = "2026-01-31"


def pins(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"ds": DAY, "pin_id": f"p{n}", **row} for n, row in enumerate(rows)]


def test_shares_are_of_all_live_pins_of_each_language_and_of_each_part_by_popularity(spark: SparkSession) -> None:
    live = pins(
        {"language": "en", "title": "a", "caption": "c", "board_titles": ["b"]},
        {"language": "en", "description": "a", "caption": "c", "board_titles": ["b"], "engaged_queries": ["q"]},
        {"language": "de", "caption": "c"},
        {},
    )
    totals = [
        {"entity_type": kind, "entity_id": entity, "query": query, "impressions": 500, "clicks": clicks, "offsite_carts": carts}
        for kind, entity, query, clicks, carts in (
            ("pin", "p0", "x", 5, 0),
            ("pin", "p0", "y", 4, 1),
            ("pin", "p1", "x", 0, 100),
            ("pin", "p2", "x", 0, 0),
            ("product", "p3", "x", 9, 9),
            ("pin", "not live", "x", 9, 9),
        )
    ]
    counted = frame(spark, signals.ENGAGEMENT_TOTALS, [{"ds": DAY, **dict.fromkeys(_counts(), 0), **row} for row in totals])
    found = coverage(texts.PINS, frame(spark, texts.PINS, live), engagements(counted, "pin"))

    assert found["count"] == 4
    assert {name: one["count"] for name, one in found["sources"].items()} == {
        "title": 1,
        "description": 1,
        "caption": 3,
        "link_title": 0,
        "link_description": 0,
        "board_titles": 2,
        "engaged_queries": 1,
        "title_or_description": 2,
        "any": 3,
    }
    assert found["sources"]["caption"] == {"share": 0.75, "count": 3}
    assert found["published"] == {"title_or_description": 0.71, "caption": 1.0, "board_titles": 0.91, "engaged_queries": 0.65}
    assert {name: (one["count"], one["sources"]["caption"]["share"]) for name, one in found["by_language"].items()} == {
        "en": (2, 1.0),
        "de": (1, 1.0),
        "und": (1, 0.0),
    }
    assert list(found["by_language"]) == ["en", "de", "und"], "the commonest first"
    assert {name: (one["count"], one["sources"]["any"]["count"]) for name, one in found["by_popularity"].items()} == {
        "0": (2, 1),
        "10-99": (1, 1),
        "100+": (1, 1),
    }

    told = {(one.slice, one.metric): one for one in metrics(texts.PINS, found, {"texts.pins": 3})}
    assert len(told) == 9 * (1 + 3 + 3)
    one = told["popularity=10-99", "title"]
    assert (one.data_set, one.value, one.count, one.table_versions) == ("texts.pins", 1.0, 1, {"texts.pins": 3})
    table = rendered(found)
    assert table[0] == ("", "all", "published", "0", "10-99", "100+", "en", "de", "und")
    assert table[1] == ("live", "4", "", "2", "1", "1", "2", "1", "1")
    assert ("board_titles", "50 %", "91 %", "0 %", "100 %", "100 %", "100 %", "0 %", "0 %") in table
    assert {len(row) for row in table} == {9}


def test_products_have_no_language_and_without_engagement_there_are_no_parts_by_popularity(spark: SparkSession) -> None:
    live = [{"ds": DAY, "product_id": "a", "brand": "x"}, {"ds": DAY, "product_id": "b", "captions": ["c"], "title": "t"}]
    found = coverage(texts.PRODUCTS, frame(spark, texts.PRODUCTS, live), None)
    assert (found["count"], found["by_language"], found["by_popularity"], found["published"]) == (2, {}, {}, {})
    assert {name for name, one in found["sources"].items() if one["count"]} == {"brand", "captions", "title", "title_or_description", "any"}
    assert rendered(found)[:2] == [("", "all"), ("live", "2")]


def test_nothing_live_has_no_shares(spark: SparkSession) -> None:
    found = coverage(texts.PINS, frame(spark, texts.PINS, []), None)
    assert (found["count"], found["sources"], list(metrics(texts.PINS, found, {}))) == (0, {}, [])
    assert rendered(found)[1] == ("live", "0", "")


def test_of_very_many_languages_the_commonest_are_told(spark: SparkSession) -> None:
    live = pins(*({"language": f"l{n}"} for n in range(LANGUAGES + 5)), {"language": "l54"})
    found = coverage(texts.PINS, frame(spark, texts.PINS, live), None)
    assert len(found["by_language"]) == LANGUAGES
    assert next(iter(found["by_language"])) == "l54"


def _counts() -> list[str]:
    return [column.name for column in signals.ACTION_COUNTS]
