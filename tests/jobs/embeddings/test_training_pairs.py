"""What trainers of embeddings are given of a pair: its day's text, what users did as of 15 days earlier, its strongest action."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.engagement import COUNTS
from jobs.days import Days, shifted
from jobs.registry import job
from schemas import embeddings, features, signals, training
from schemas.contract import Table
from tests.replay import frame, replay

DAY = "2026-02-20"
BEFORE = shifted(DAY, -15)
NONE = dict.fromkeys(COUNTS, 0)


def done(kind: str, one: str, query: str, **counts: int) -> dict[str, Any]:
    """A row of signals.engagement_daily."""
    return {"ds": DAY, "entity_type": kind, "entity_id": one, "query": query, **NONE, **counts}


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> dict[Table, DataFrame]:
    """What the jobs make of a day."""
    daily = [
        done("pin", "p1", "lamp", clicks=5, long_clicks=1, saves=1),
        done("pin", "p1", "rare lamp", saves=9),
        done("pin", "p2", "lamp", clicks=9),
        done("pin", "gone", "lamp", saves=1),
        done("product", "s1", "lamp", checkouts=1, saves=2, offsite_carts=1),
        done("query", "red lamp", "lamp", clicks=1),
        done("query", "rare lamp", "lamp", clicks=1),
    ]
    first = shifted(BEFORE, -1)
    since = {"title": "old", "board_title": "New boards", "navboost_v2": "lamp"}
    texts = [
        {"ds": first, "entity_type": "pin", "entity_id": "p1", "title": "old", "board_title": "Old boards", "navboost_v2": "old"},
        {
            "ds": shifted(BEFORE, 1),
            "entity_type": "pin",
            "entity_id": "p1",
            "title": "old",
            "board_title": "New boards",
            "navboost_v2": "lamp",
        },
        {"ds": DAY, "entity_type": "pin", "entity_id": "p1", **since, "title": "new"},
        {"ds": shifted(DAY, -2), "entity_type": "product", "entity_id": "s1", "brand": "Acme", "board_title": "Too new"},
    ]
    given = {
        signals.ENGAGEMENT_DAILY: frame(spark, signals.ENGAGEMENT_DAILY, daily),
        signals.PUBLIC_QUERIES: frame(spark, signals.PUBLIC_QUERIES, [{"ds": first, "query": query} for query in ("lamp", "red lamp")]),
        embeddings.ENTITY_INPUTS: frame(spark, embeddings.ENTITY_INPUTS, texts),
        features.ENTITIES: frame(
            spark,
            features.ENTITIES,
            [{"ds": first, "entity_type": "pin", "entity_id": "p1", **NONE, "impressions": 100, "clicks": 3, "saves": 4}],
        ),
    }
    names = ("embedding_pairs", "query_pin", "query_product", "query_product_offsite", "query_query")
    steps = [Days(first, shifted(DAY, -1)), Days(DAY, DAY)]
    return replay(spark, [job(name) for name in names], given, steps)


def test_a_pin_has_its_text_of_the_day_and_boards_and_queries_of_fifteen_days_before(tables: dict[Table, DataFrame]) -> None:
    (row,) = tables[training.QUERY_PIN].collect()
    assert (row.ds, row.query, row.entity_id, row.action, row.popularity) == (DAY, "lamp", "p1", "long_click", 7)
    assert (row.title, row.board_title, row.navboost_v2) == ("new", "Old boards", "old")
    assert row.split in ("train", "validation", "test")


def test_a_purchase_is_of_the_task_of_its_place(tables: dict[Table, DataFrame]) -> None:
    (on_site,), (offsite,) = (tables[table].collect() for table in (training.QUERY_PRODUCT, training.QUERY_PRODUCT_OFFSITE))
    assert (on_site.action, on_site.brand, on_site.popularity, on_site.board_title) == ("checkout", "Acme", 0, None)
    assert (offsite.action, offsite.entity_id) == ("add_to_cart", "s1")
    assert on_site.example_id != offsite.example_id
    assert on_site.split == offsite.split, "a query is in one part"


def test_queries_of_few_people_are_in_no_pair(tables: dict[Table, DataFrame]) -> None:
    (row,) = tables[training.QUERY_QUERY].collect()
    assert (row.query, row.cand_query, row.action) == ("lamp", "red lamp", "click")
    for table in (training.EMBEDDING_PAIRS, training.QUERY_PIN, training.QUERY_QUERY):
        assert "rare lamp" not in str(tables[table].collect())
