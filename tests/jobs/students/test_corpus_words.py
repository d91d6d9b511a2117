"""Corpus statistics: of the entities that live on the frozen day, by source."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.days import Days
from jobs.registry import job
from schemas import features, texts
from tests.replay import frame, replay

PINS = [
    {"ds": "2026-01-05", "pin_id": "a", "title": "Red vase red", "board_titles": ["Vases", "Red things"]},
    {"ds": "2026-01-05", "pin_id": "b", "title": "vase", "link_title": "Vase", "link_description": "a vase"},
    {"ds": "2026-01-20", "pin_id": "b", "title": "lamp"},
    {"ds": "2026-01-05", "pin_id": "c", "title": "..."},
    {"ds": "2026-01-05", "pin_id": "d", "title": "gone"},
    {"ds": "2026-01-25", "pin_id": "d", "deleted": True},
]
PRODUCTS = [{"ds": "2026-01-10", "product_id": "s", "title": "Vase", "brand": "Lux", "colors": ["red"]}]


def test_words_are_counted_once_an_entity_on_the_first_day_and_each_months_first(spark: SparkSession) -> None:
    given = {texts.PINS: frame(spark, texts.PINS, PINS), texts.PRODUCTS: frame(spark, texts.PRODUCTS, PRODUCTS)}
    found = replay(spark, [job("corpus_words")], given, [Days("2026-01-05", "2026-01-31"), Days("2026-02-01", "2026-02-02")])
    rows = found[features.CORPUS_WORDS].collect()
    by_key = {(r.ds, r.entity_type, r.source, r.word): (r.entities, r.total_entities, r.total_words) for r in rows}
    assert {day for day, *_ in by_key} == {"2026-01-05", "2026-02-01"}
    assert {k[1:]: v for k, v in by_key.items() if k[0] == "2026-01-05"} == {
        ("pin", "title", "red"): (1, 3, 5),
        ("pin", "title", "vase"): (2, 3, 5),
        ("pin", "title", "gone"): (1, 3, 5),
        ("pin", "boards", "vases"): (1, 1, 3),
        ("pin", "boards", "red"): (1, 1, 3),
        ("pin", "boards", "things"): (1, 1, 3),
        ("pin", "link", "vase"): (1, 1, 3),
        ("pin", "link", "a"): (1, 1, 3),
    }
    assert by_key["2026-02-01", "pin", "title", "lamp"] == (1, 2, 4)
    assert ("2026-02-01", "pin", "title", "gone") not in by_key
    assert by_key["2026-02-01", "product", "description", "lux"] == (1, 1, 2)
