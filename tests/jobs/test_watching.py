"""What is unusual about a day beside those before it."""

from __future__ import annotations

import math

import pytest
from pyspark.sql import functions as F

from jobs import watching
from jobs.days import shifted
from schemas.contract import CHANGES, DAILY, Column, Table, Watch

ROWS, SHARE = Watch("rows", "rows", None, 2.0), Watch("share", "a share", "cast(v as double)", 0.2)
TABLE = Table(
    "toys.days", DAILY, "d", ("id",), (Column("id", "int", "i", required=True), Column("v", "boolean", "v")), watches=(ROWS, SHARE)
)
DAY = "2026-01-20"


def facts(rows, share=0.5):
    hits = round(rows * share)
    return {"watched": rows, "watched_share_n": rows, "watched_share_sum": hits * 1_000_000, "watched_share_squares": hits * 1_000_000}


def kept(counts):
    return watching.watched(TABLE, {DAY: counts}, {})[DAY]


def past(days=14, rows=100, share=0.5):
    return {shifted(DAY, -n): kept(facts(rows, share)) for n in range(1, days + 1)}


def unusual(found, known):
    days = {**known, **watching.watched(TABLE, found, known)}
    return {(one.day, one.watch.name) for one in watching.measured(TABLE, found, days) if one.outside}


@pytest.mark.parametrize(
    ("rows", "share", "wanted"),
    [
        (100, 0.5, set()),
        (199, 0.5, set()),
        (30, 0.5, set()),  # a half, and three standard errors of it for chance
        (28, 0.5, {"rows"}),
        (250, 0.5, {"rows"}),
        (0, 0.5, {"rows"}),
        (100, 0.8, set()),  # .2, and three standard errors of .04
        (100, 0.9, {"share"}),
        (100, 0.0, {"share"}),
    ],
)
def test_rows_are_usual_within_a_factor_and_shares_within_a_distance_with_chance_allowed(rows, share, wanted):
    assert {name for _, name in unusual({DAY: facts(rows, share)}, past())} == wanted


def test_nothing_is_unusual_while_fewer_than_seven_days_are_known():
    assert unusual({DAY: facts(1)}, past(days=6)) == set()
    assert unusual({DAY: facts(1)}, past(days=7)) == {(DAY, "rows")}


def test_days_older_than_fourteen_do_not_count():
    old = {shifted(day, -14): one for day, one in past().items()}
    assert unusual({DAY: facts(1)}, old) == set()


def test_what_was_seen_within_the_fourteen_days_is_usual():
    known = past() | {shifted(DAY, -3): kept(facts(5))}
    assert unusual({DAY: facts(5)}, known) == set()


def test_days_of_a_step_are_held_against_those_before_them_in_it():
    """As a backfill of a month judges its days, whatever was published of them before."""
    days = {shifted(DAY, n): facts(100) for n in range(10)} | {shifted(DAY, 10): facts(3)}
    stale = {shifted(DAY, n): kept(facts(3)) for n in range(10)}
    assert unusual(days, stale) == {(shifted(DAY, 10), "rows")}


def test_a_mean_of_no_rows_is_not_judged():
    assert unusual({DAY: facts(0)}, past()) == {(DAY, "rows")}


def test_sums_are_integers_and_leave_out_what_is_refused_and_null(spark):
    frame = spark.createDataFrame([(1, True, True), (2, False, True), (3, None, True), (4, True, False)], "id int, v boolean, good boolean")
    found = frame.agg(*(one.alias(name) for name, one in watching.sums(TABLE, F.col("good")).items())).collect()[0].asDict()
    assert {name: int(number) for name, number in found.items()} == {
        "watched": 3, "watched_share_n": 2, "watched_share_sum": 1_000_000, "watched_share_squares": 1_000_000,
    }  # fmt: skip
    assert list(found) == watching.names(TABLE)


def test_of_a_change_log_what_changed_and_lives_is_watched(spark):
    table = Table("toys.log", CHANGES, "d", ("id",), (Column("id", "int", "i", required=True),), watches=(ROWS,))
    frame = spark.createDataFrame([(1, True, False), (2, False, False), (3, True, True)], "id int, changed boolean, deleted boolean")
    assert frame.agg(watching.sums(table, F.lit(True))["watched"].alias("n")).collect()[0].n == 1


def test_a_table_that_nobody_watches_costs_nothing():
    table = Table("toys.plain", DAILY, "d", ("id",), (Column("id", "int", "i", required=True),))
    assert (watching.names(table), watching.sums(table, None), watching.watched(table, {DAY: {}}, {})) == ([], {}, {DAY: {}})


HAS = Watch("has", "share that have v", "cast({}v is not null as double)", 0.2, of_live=True)
LIVE = Table(
    "toys.live", CHANGES, "d", ("id",), (Column("id", "int", "i", required=True), Column("v", "int", "v")), watches=(HAS,), was=("v",)
)


def lives(day, now, was=(0, 0)):
    """The facts of a day of a change log: (rows, those with a value) of what lives among the day's rows, and of what changed before."""
    parts = {"watched": now, "was": was}
    return {day: {"watched": 0, **{f"{name}_has_{part}": number for name, of in parts.items() for part, number in _parts(*of)}}}


def _parts(n, k):
    return zip(watching.PARTS, (n, k * 1_000_000, k * 1_000_000), strict=True)


def test_coverage_of_all_that_lives_is_carried_from_day_to_day_and_counted_anew_on_a_months_first():
    found = {
        **lives("2026-01-30", (10, 5)),
        **lives("2026-01-31", (3, 3), (2, 0)),
        **lives("2026-02-01", (11, 8)),
        **lives("2026-02-02", (0, 0), (1, 1)),
    }
    kept_days = watching.watched(LIVE, found, {})
    assert [one["has"][:2] for one in kept_days.values()] == [(10, 5_000_000), (11, 8_000_000), (11, 8_000_000), (10, 7_000_000)]
    later = watching.watched(LIVE, lives("2026-02-03", (1, 0)), kept_days)
    assert later["2026-02-03"]["has"][:2] == (11, 7_000_000)
    assert watching.watched(LIVE, lives("2026-02-05", (1, 0)), kept_days)["2026-02-05"] == {}, "nothing is known of the day before"


@pytest.mark.parametrize(("covered", "wanted"), [(500, False), (900, False), (380, False), (340, True), (0, True)])
def test_only_a_fall_of_coverage_is_unusual(covered, wanted):
    known = {shifted(DAY, -n): {"has": (1000, 500_000_000, 500_000_000)} for n in range(1, 15)}
    known[DAY] = {"has": (1000, covered * 1_000_000, covered * 1_000_000)}
    (one,) = watching.measured(LIVE, [DAY], known)
    assert (one.outside > 0) == wanted
    assert "or more" in str(one)


def test_what_changed_and_what_it_was_are_summed_apart(spark):
    rows = [
        (1, 5, True, False, (None,)),
        (2, None, True, False, (3,)),
        (3, None, True, True, (4,)),
        (4, 1, True, False, None),
        (5, 1, False, False, None),
    ]
    frame = spark.createDataFrame(rows, "id int, v int, changed boolean, deleted boolean, was struct<v: int>")
    found = frame.agg(*(one.alias(name) for name, one in watching.sums(LIVE, F.lit(True)).items())).collect()[0].asDict()
    assert list(found) == watching.names(LIVE)
    numbers = {name: int(number) for name, number in found.items() if name.endswith(("_n", "_sum"))}
    assert numbers == {"watched_has_n": 4, "watched_has_sum": 3_000_000, "was_has_n": 3, "was_has_sum": 2_000_000}


def test_a_mean_below_its_least_is_unusual_from_the_first_day_on():
    moved = Watch("moved", "mean cosine", "v", 0.1, least=0.5)
    table = Table(
        "toys.moved", DAILY, "d", ("id",), (Column("id", "int", "i", required=True), Column("v", "double", "v")), watches=(moved,)
    )
    for mean, n, wanted in ((0.4, 1000, True), (0.6, 1000, False), (0.4, 3, False)):
        numbers = (n, round(n * mean * 1e6), round(n * (mean**2 + 0.04) * 1e6))
        (one,) = watching.measured(table, [DAY], {DAY: {"moved": numbers}})
        assert (one.outside > 0) == wanted


@pytest.mark.parametrize(
    ("kind", "was", "mean"), [(DAILY, ("v",), "{}v"), (CHANGES, ("id",), "{}v"), (CHANGES, ("v",), "v"), (DAILY, (), "{}v")]
)
def test_what_cannot_be_watched_over_all_that_lives_is_refused(kind, was, mean):
    with pytest.raises(ValueError, match="of_live|only a change log"):
        Table(
            "toys.odd", kind, "d", ("id",), (Column("id", "int", "i", required=True), Column("v", "int", "v")),
            watches=(Watch("w", "w", mean, 0.2, of_live=True),), was=was,
        )  # fmt: skip


@pytest.mark.parametrize(("mean", "apart"), [(None, 1.0), ("v", 0.0)])
def test_a_watch_that_allows_nothing_is_refused(mean, apart):
    with pytest.raises(ValueError, match="apart is above"):
        Watch("w", "w", mean, apart)


def test_an_unjudged_number_lies_within_everything():
    assert watching.Measured(ROWS, DAY, 5.0).outside == 0.0
    assert math.isinf(watching.Measured(ROWS, DAY, 5.0).high)
