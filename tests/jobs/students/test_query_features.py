"""What people engaged with after a query, as of 15 days before the pair was labelled."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from features.engagement import COUNTS
from jobs.days import Days
from jobs.registry import job
from schemas import features, labels, signals, training
from tests.replay import frame, replay

DAY = "2026-01-25"
NONE = dict.fromkeys(COUNTS, 0)


def total(ds: str, query: str, entity: str, **counts: Any) -> dict[str, Any]:
    """A row of signals.engagement_totals."""
    kind = "product" if entity.startswith("s") else "pin"
    return {"ds": ds, "entity_type": kind, "entity_id": entity, "query": query, **NONE, **counts}


def entity(ds: str, name: str, **other: Any) -> dict[str, Any]:
    """A row of features.entities."""
    return {"ds": ds, "entity_type": "product" if name.startswith("s") else "pin", "entity_id": name, **NONE, **other}


TOTALS = [
    total("2026-01-02", "lamp", "p1", impressions=9, clicks=2, saves=1),
    total("2026-01-05", "lamp", "p2", clicks=1),
    total("2026-01-05", "lamp", "s1", checkouts=2, impressions=5),
    total("2026-01-11", "lamp", "p2", clicks=100),
    total("2026-01-02", "secret", "p1", clicks=50),
]
ENTITIES = [
    entity("2026-01-01", "p1", interest="home", language="en"),
    entity("2026-01-01", "p2", interest="garden", language="de"),
    entity("2026-01-03", "p2", interest="home", language="de"),
    entity("2026-01-01", "s1", interest="light"),
    entity("2026-01-12", "p1", interest="too late", language="fr"),
]
PAIR = {"entity_type": "pin", "entity_id": "p1", "probability": 1.0, "events": 0, "stratum": "s", "text": "t"}


def test_a_query_is_known_by_what_people_engaged_with_before(spark: SparkSession) -> None:
    given = {
        labels.CANDIDATES: frame(spark, labels.CANDIDATES, [{"ds": DAY, "query": "lamp", **PAIR}]),
        training.TEACHER_EXAMPLES: frame(
            spark, training.TEACHER_EXAMPLES, [{"ds": DAY, "query": "Red  Vase", "entity_type": "pin", "entity_id": "p1", "text": "t"}]
        ),
        signals.ENGAGEMENT_TOTALS: frame(spark, signals.ENGAGEMENT_TOTALS, TOTALS),
        features.ENTITIES: frame(spark, features.ENTITIES, ENTITIES),
    }
    found = replay(spark, [job("query_features")], given, [Days("2026-01-01", DAY)])[features.QUERIES].collect()
    rows = {r.query: r for r in found}
    assert set(rows) == {"lamp", "red vase"}
    lamp = rows["lamp"]
    assert (lamp.ds, lamp.words, lamp.engagements, lamp.product_engagements, lamp.language) == (DAY, 1, 6, 2, "en")
    assert [tuple(one) for one in lamp.interests] == [("home", 4), ("light", 2)]
    bare = rows["red vase"]
    assert (bare.words, bare.engagements, bare.product_engagements, bare.language, bare.interests) == (2, 0, 0, None, None)
