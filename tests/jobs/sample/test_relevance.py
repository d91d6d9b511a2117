"""The planted relevance against a plain recompute, over every case there is."""

from __future__ import annotations

from itertools import product

from pyspark.sql import SparkSession

from jobs.sample.relevance import Subject, grade

Thing = tuple[str | None, ...]


def _expected(query: Thing, entity: Thing) -> int:
    if query[0] != entity[0]:
        return 1
    named = [(q, e) for q, e in zip(query[2:], entity[2:], strict=True) if q is not None]
    wrong = sum(q != e for q, e in named)
    if query[1] == entity[1]:
        return 5 - wrong
    return 3 if named and not wrong else 2


def test_the_grade_follows_topic_object_and_named_attributes_in_every_case(spark: SparkSession) -> None:
    names = [f"{who}_{part}" for who in ("q", "e") for part in ("topic", "object", "color", "style")]
    queries: list[Thing] = list(product(("garden", "pets"), ("tree", "cat"), (None, "red", "blue"), (None, "plain", "dotted")))
    entities: list[Thing] = list(product(("garden", "pets"), ("tree", "cat"), ("red", "blue"), ("plain", "dotted")))
    cases = [(*query, *entity) for query in queries for entity in entities]
    frame = spark.createDataFrame(cases, ", ".join(f"{name} string" for name in names))
    graded = frame.select(*names, grade(Subject.of("q_"), Subject.of("e_")).alias("grade")).collect()
    assert len(graded) == len(cases) == 576
    for row in graded:
        values = tuple(row)
        assert row.grade == _expected(values[:4], values[4:8]), row
    assert {row.grade for row in graded} == {1, 2, 3, 4, 5}
