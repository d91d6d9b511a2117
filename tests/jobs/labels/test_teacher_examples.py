"""Examples of a day: the text as it was then, and what users did with the entity as it was 15 days earlier."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.past_texts import LAG_DAYS
from jobs.days import Days, shifted
from jobs.labels.teacher_examples import TeacherExampleParams, build
from jobs.reading import read
from jobs.registry import job
from schemas import raw, texts
from schemas.contract import Table
from tests.replay import frame

FIRST, DAY = "2026-01-01", "2026-01-25"
NEXT = shifted(DAY, 1)
DAYS = Days(DAY, NEXT)


def label(query: str, entity: str, ds: str = DAY, **other: Any) -> dict[str, Any]:
    """A rater's grade of an entity, whose id begins with its type."""
    kind = "product" if entity.startswith("product") else "pin"
    named = {"query": query, "entity_type": kind, "entity_id": entity, "grade": 4, "rater_id": "r"}
    return {"ds": ds, "label_id": f"{ds} {query} {entity}", **named, **other}


def pin(ds: str, pin_id: str, **other: Any) -> dict[str, Any]:
    """A row of texts.pins."""
    return {"ds": ds, "pin_id": pin_id, "language": "en", **other}


PINS = [
    pin(FIRST, "pin1", title="old", engaged_queries=["first query"], board_titles=["Homes"]),
    pin("2026-01-12", "pin1", title="new", engaged_queries=["leaked query"], board_titles=["Homes"]),
    pin(NEXT, "pin1", title="tomorrow", engaged_queries=["leaked query"]),
    pin("2026-01-20", "young", title="young", language="de", engaged_queries=["leaked query"]),
    pin(FIRST, "bare"),
    pin(FIRST, "gone", title="gone"),
    pin("2026-01-24", "gone", deleted=True),
    pin(NEXT, "later", title="later"),
]
PRODUCTS = [
    {"ds": FIRST, "product_id": "product1", "title": "Oak table", "brand": "Holz", "colors": ["oak", "brown"], "engaged_queries": ["table"]}
]
LABELS = [
    label("sofa", "pin1"),
    label("sofa", "pin1", NEXT),
    label("Sofa ", "young"),
    label("sofa", "bare"),
    label("sofa", "gone"),
    label("sofa", "later"),
    label("sofa", "unknown"),
    label("table", "product1", grade=None, grade_mean=4.0, grade_std=0.0, scale="median_1_4"),
]


def examples(spark: SparkSession, rows: list[dict[str, Any]], params: TeacherExampleParams, days: Days = DAYS) -> DataFrame:
    """What the build makes of the labels and the texts above, read as the registry says."""
    stored: dict[Table, DataFrame] = {
        raw.HUMAN_LABELS: frame(spark, raw.HUMAN_LABELS, rows),
        texts.PINS: frame(spark, texts.PINS, PINS),
        texts.PRODUCTS: frame(spark, texts.PRODUCTS, PRODUCTS),
    }
    frames = {n: read(stored[i.table], i.table, i.read, days, FIRST) for n, i in job("teacher_examples").inputs.items()}
    return build(**frames, days=days, params=params)


def test_an_example_has_the_text_of_its_day_and_what_users_did_two_weeks_before(spark: SparkSession) -> None:
    rows = examples(spark, LABELS, TeacherExampleParams()).collect()
    good = {(r.ds, r.entity_id): r for r in rows if r.refused is None}
    assert {key: r.text for key, r in good.items()} == {
        (DAY, "pin1"): "title: new\nsearches: first query\nboards: Homes",
        (NEXT, "pin1"): "title: tomorrow\nsearches: first query\nboards: Homes",
        (DAY, "young"): "title: young",
        (DAY, "product1"): "title: Oak table\nbrand: Holz\ncolor: oak, brown\nsearches: table",
    }
    assert {key: r.language for key, r in good.items()} == {
        (DAY, "pin1"): "en",
        (NEXT, "pin1"): "en",
        (DAY, "young"): "de",
        (DAY, "product1"): None,
    }
    assert good[DAY, "product1"].grade is None
    assert good[DAY, "product1"].level_high == 4
    one = good[DAY, "pin1"]
    assert one.example_id == hashlib.sha256(b"sofa\x1fpin\x1fpin1").hexdigest()
    assert one.text_hash == hashlib.sha256(one.text.encode()).hexdigest()
    assert one.sources == ["title", "engaged_queries", "board_titles"]
    assert {r.refused: r.refused_key for r in rows if r.refused and r.entity_id == "bare"} == {
        "an empty text of the pin": '{"query":"sofa","entity_type":"pin","entity_id":"bare"}'
    }
    assert sorted(r.entity_id for r in rows if r.refused == "no text of the pin on that day") == ["gone", "later", "unknown"]


def test_a_query_is_in_one_part_however_it_is_written(spark: SparkSession) -> None:
    queries = [f"query {n}" for n in range(40)]
    rows = [label(spelt, "pin1") for query in queries for spelt in (query, f" {query.upper()}")]
    found = examples(spark, rows, TeacherExampleParams(seed=3)).collect()
    parts = {query: {r.split for r in found if r.query.strip().lower() == query} for query in queries}
    assert all(len(part) == 1 for part in parts.values())
    assert {part for one in parts.values() for part in one} == {"train", "validation", "test"}


def test_a_variant_leaves_sources_out(spark: SparkSession) -> None:
    params = TeacherExampleParams(pin_variant="without_engaged_queries", product_variant="only_title")
    found = examples(spark, LABELS, params).where("refused is null").collect()
    assert {r.text for r in found} == {"title: new\nboards: Homes", "title: tomorrow\nboards: Homes", "title: young", "title: Oak table"}


@pytest.mark.parametrize("cut", [[DAYS], [Days(DAY, DAY), Days(NEXT, NEXT)]])
def test_every_cut_gives_the_same_rows(spark: SparkSession, cut: list[Days]) -> None:
    names = ["ds", "entity_id", "text", "split", "refused"]
    found: list[tuple[Any, ...]] = []
    for step in cut:
        labels = [row for row in LABELS if row["ds"] in step]
        found += [tuple(r) for r in examples(spark, labels, TeacherExampleParams(), step).select(*names).collect()]
    whole = [tuple(r) for r in examples(spark, LABELS, TeacherExampleParams()).select(*names).collect()]
    assert sorted(found, key=str) == sorted(whole, key=str)


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(ValueError, match=r"validation 0.5 and test 0.5 are shares, and leave something to train on"):
        TeacherExampleParams(validation=0.5, test=0.5)
    with pytest.raises(ValueError, match="unknown variant"):
        TeacherExampleParams(pin_variant="no_such")


def test_the_registry_reads_what_users_did_as_far_back_as_the_build_says() -> None:
    inputs = job("teacher_examples").inputs
    assert {inputs[name].read.lag for name in ("pins_before", "products_before")} == {LAG_DAYS}
