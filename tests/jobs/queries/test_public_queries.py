"""When a query is public: to the day, over the ninety days themselves."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.days import Days, shifted
from jobs.queries.public_queries import PublicQueryParams, build
from jobs.registry import job
from schemas import signals
from tests.replay import frame


def test_ten_users_in_ninety_days_make_a_query_public_and_it_leaves_on_the_day_after(spark: SparkSession) -> None:
    day = "2026-06-01"
    asked = [("ten", f"u{n}", shifted(day, -89 if n == 0 else 0)) for n in range(10)]  # tenth user 89 days before: still within 90
    asked += [("nine", f"u{n}", day) for n in range(9)] + [("nine", "u0", shifted(day, -1))]
    asked += [("too old", f"u{n}", shifted(day, -90 if n == 0 else 0)) for n in range(10)]
    asked += [("held", f"u{n}", d) for n in range(10) for d in (shifted(day, -90), day)]  # each asks again as the old asking expires
    asked += [("gone", f"u{n}", shifted(day, -90)) for n in range(10)]  # public until the day before the range
    rows = [{"ds": ds, "query": query, "user_hash": user} for query, user, ds in asked]
    users = frame(spark, signals.QUERY_USERS, rows)
    found = build(users, Days(day, shifted(day, 1)), PublicQueryParams()).collect()
    assert {(r.query, r.ds, r.deleted) for r in found} == {("ten", day, False), ("ten", shifted(day, 1), True), ("gone", day, True)}


def test_the_job_reads_one_day_more_than_its_longest_window() -> None:
    assert job("public_queries").inputs["users"].read.length == PublicQueryParams().window_days + 1


@pytest.mark.parametrize(
    ("params", "words"), [({"window_days": 91}, "reads 90 days"), ({"window_days": 0}, "write 1 to 90"), ({"k": 0}, "k is 0")]
)
def test_params_that_the_input_cannot_bear_are_refused(params: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PublicQueryParams(**params)
