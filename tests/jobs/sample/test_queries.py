"""Queries: one text each, known by what they ask for, typed in many ways, private where planted."""

from __future__ import annotations

import unicodedata

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.sample import queries
from jobs.sample.plan import Plan
from jobs.sample.vocabulary import SLOTS

PLAN = Plan(2000, Days("2026-01-01", "2026-01-02"), seed=11)
TIERS = queries.LOOKS + 2


def test_no_two_queries_are_one_text_even_after_all_attributes_are_used_up(spark: SparkSession) -> None:
    count = queries.TIER * TIERS
    frame = queries.wished(PLAN.rows(spark, count, "q"), PLAN, F.col("q"), "w_").withColumn("text", queries.text("w_"))
    row = frame.agg(
        F.countDistinct("text").alias("texts"),
        F.count_if(F.col("text").isNull() | F.col("text").rlike(r"^\s|\s$|\s\s")).alias("untidy"),
        F.count_if(F.col("w_number") > 0).alias("numbered"),
    ).first()
    assert row is not None
    assert (row.texts, row.untidy) == (count, 0)
    assert row.numbered == queries.TIER * 2


def test_the_head_query_of_a_slot_and_object_asks_in_that_slot_for_that_object(spark: SparkSession) -> None:
    cells = PLAN.rows(spark, queries.TIER, "cell").select(
        (F.col("cell") % SLOTS).alias("slot"), F.floor(F.col("cell") / SLOTS).alias("thing")
    )
    found = cells.withColumn("q", queries.head_query(PLAN, F.col("slot"), F.col("thing")))
    rows = queries.wished(found, PLAN, F.col("q"), "w_").select("q", "slot", "thing", "w_slot", "w_object").collect()
    assert sorted(row.q for row in rows) == list(range(queries.TIER))
    assert all((row.slot, row.thing) == (row.w_slot, row.w_object) for row in rows)


def test_what_people_type_differs_and_normalises_to_one_text(spark: SparkSession) -> None:
    texts = ["red striped vase", "comprar sartén a rayas", "赤い花瓶 人気", "сапог 7", "नीला मग"]
    frame = spark.createDataFrame([(text, n) for text in texts for n in range(150)], "text string, n int")
    rows = frame.withColumn("typed", queries.typed(PLAN, F.col("text"), F.col("n"))).collect()
    variants = {text: {row.typed for row in rows if row.text == text} for text in texts}
    for text, found in variants.items():
        assert len(found) >= 4, text
        assert {" ".join(unicodedata.normalize("NFKC", one).casefold().split()) for one in found} == {text}


def test_half_of_the_topics_are_labelled_and_the_seed_chooses_them() -> None:
    chosen = {queries.labelled_topics(Plan(2000, PLAN.days, seed)) for seed in range(8)}
    assert all(len(topics) == 6 for topics in chosen)
    assert len(chosen) > 1
