"""Search events: what was shown, and what planted relevance and place made people do."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.sample.relevance import Subject, grade
from schemas import raw, sample
from tests.jobs.sample.conftest import Lake

PARTS = ("topic", "object", "color", "style")


@pytest.fixture(scope="module")
def shown(lake: Lake) -> DataFrame:
    """Every impression of a pin or product to a person, with its planted grade and what followed."""
    truth = lake.stored[sample.TRUTH]
    events = lake.stored[raw.SEARCH_EVENTS].distinct().withColumn("text", F.lower(F.trim(F.regexp_replace("query", r"\s+", " "))))
    asked = truth.where("entity_type = 'query'").select(F.col("entity_id").alias("text"), *(F.col(p).alias(f"q_{p}") for p in PARTS))
    things = truth.where("entity_type != 'query'").select("entity_type", "entity_id", *PARTS)
    people = events.groupBy("user_id").agg(F.countDistinct("request_id").alias("requests")).where("requests < 200").select("user_id")
    seen = events.join(people, "user_id").groupBy("request_id", "position", "entity_type", "entity_id", "text")
    actions = seen.agg(*(F.max((F.col("action") == action).cast("int")).alias(action) for action in raw.SEARCH_ACTIONS))
    known = actions.join(asked, "text").join(things, ["entity_type", "entity_id"])
    return known.withColumn("grade", grade(Subject.of("q_"), Subject.of(""))).localCheckpoint()


def test_a_request_shows_five_to_nine_entities_in_places_without_gaps(lake: Lake) -> None:
    impressions = lake.stored[raw.SEARCH_EVENTS].where("action = 'impression'").select("request_id", "position", "entity_type", "entity_id")
    requests = (
        impressions.distinct()
        .groupBy("request_id")
        .agg(F.count(F.lit(1)).alias("n"), F.countDistinct("entity_type", "entity_id").alias("entities"), F.max("position").alias("last"))
    )
    row = (
        requests.where("n > 1")
        .agg(
            F.avg("n").alias("mean"),
            F.max("n").alias("most"),
            F.count_if(F.col("n") != F.col("entities")).alias("doubled"),
            F.avg((F.col("n") == F.col("last")).cast("int")).alias("whole"),
        )
        .first()
    )
    assert row is not None
    assert 5 < row["mean"] < 8
    assert row.most <= 9
    assert row.doubled == 0
    # Only an impression that arrived too late for the lake's last day may leave a gap.
    assert row.whole > 0.98


def test_clicks_and_saves_rise_with_the_planted_grade(shown: DataFrame) -> None:
    rates = {row.grade: row for row in shown.groupBy("grade").agg(*(F.avg(a).alias(a) for a in raw.SEARCH_ACTIONS)).collect()}
    clicks = [rates[level].click for level in (1, 2, 3, 4, 5)]
    assert clicks == sorted(clicks)
    assert clicks[4] > 8 * clicks[0]
    assert rates[5].save > rates[3].save >= rates[1].save
    assert rates[5].long_click > rates[3].long_click > rates[1].long_click


def test_at_one_grade_the_first_place_gets_more_clicks_than_the_fifth_and_sixth(shown: DataFrame) -> None:
    good = shown.where("grade >= 4").groupBy(
        F.when(F.col("position") == 1, "top").when(F.col("position").between(5, 6), "low").alias("place")
    )
    rates = {row.place: row.click for row in good.agg(F.avg("click").alias("click")).collect()}
    assert rates["top"] > 1.3 * rates["low"] > 0


def test_three_entities_in_five_are_of_the_wanted_topic_and_all_grades_occur(shown: DataFrame) -> None:
    counts = {row.grade: row["count"] for row in shown.groupBy("grade").count().collect()}
    total = sum(counts.values())
    assert 0.5 < 1 - counts[1] / total < 0.72
    assert all(counts[level] > 0.02 * total for level in (1, 2, 3, 4, 5)), counts


def test_products_are_put_into_carts_and_bought_some_on_the_merchants_site(lake: Lake) -> None:
    counts = lake.stored[raw.SEARCH_EVENTS].groupBy("entity_type", "action", "offsite").count().collect()
    found = {(row.entity_type, row.action, row.offsite): row["count"] for row in counts}
    assert found["product", "add_to_cart", False] > found["product", "checkout", False] > 0
    assert found["product", "add_to_cart", True] > 0
    assert not [key for key in found if key[0] == "pin" and key[1] in ("add_to_cart", "checkout")]
    assert {action for kind, action, _ in found if kind == "query"} == {"click"}
    assert not [key for key in found if key[2] and key[1] not in ("add_to_cart", "checkout")]


def test_head_queries_have_many_users_the_tail_few_and_a_bot_asks_one_thing_all_day(lake: Lake) -> None:
    events = lake.stored[raw.SEARCH_EVENTS]
    users = (
        events.groupBy(F.lower(F.trim("query")).alias("text"))
        .agg(F.countDistinct("user_id").alias("n"))
        .orderBy(F.desc("n"), "text")
        .collect()
    )
    assert sum(row.n >= 20 for row in users) >= 8
    assert sum(row.n >= 10 for row in users) >= 15
    assert sum(row.n == 1 for row in users) > 100
    busy = events.groupBy("ds", "user_id").agg(F.countDistinct("request_id").alias("requests"), F.countDistinct("query").alias("queries"))
    bots = busy.where("requests > 200").collect()
    assert bots
    assert {row.queries for row in bots} == {1}
    assert busy.where("requests between 30 and 200").count() == 0


def test_typed_in_secrets_are_asked_by_one_or_two_users_and_are_not_in_the_truth(lake: Lake) -> None:
    secret = lake.stored[raw.SEARCH_EVENTS].where(F.lower(F.col("query")).contains("zqsecret"))
    number = F.regexp_extract(F.lower("query"), r"zqsecret\d+|\d+\.zqsecret", 0)
    rows = secret.groupBy(number.alias("n")).agg(F.countDistinct("user_id").alias("users")).collect()
    assert len(rows) >= 3
    assert {row.users for row in rows} <= {1, 2}
    assert secret.where("entity_type = 'query'").count() > 0
    assert lake.stored[sample.TRUTH].where("entity_id like '%zqsecret%'").count() == 0
    share = secret.select("request_id").distinct().count() / (lake.plan.requests * len(lake.plan.days))
    assert 0.002 < share < 0.025
