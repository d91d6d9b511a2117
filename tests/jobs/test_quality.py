"""The audit: facts in one pass, judged by a Great Expectations suite made from the contract."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F

from jobs import quality, watching
from jobs.days import Days
from jobs.errors import Refused
from schemas.contract import CHANGES, DAILY, Column, Rule, Table, Watch

DAYS = Days("2026-01-01", "2026-01-02")
TABLE = Table(
    "toys.everything",
    DAILY,
    "Every kind of check.",
    ("id", "user_id"),
    (
        Column("id", "string", "id", required=True, pattern="^[a-z][0-9]+$"),
        Column("user_id", "string", "user", required=True, private=True),
        Column("kind", "string", "kind", allowed=("x", "y")),
        Column("n", "int", "number", minimum=0, maximum=9),
        Column("score", "double", "score", minimum=0),
        Column("words", "array<string>", "words", maximum=2, allowed=("u", "v", "w")),
    ),
    rules=(Rule("nine", "have a y of 9", "kind = 'y' and n = 9"),),
)
DDL = TABLE.ddl + ", refused string, refused_key string"
GOOD = ("2026-01-01", "a1", "u1", "x", 3, 0.5, ["u"], None, None)


def staged(spark, *rows):
    return spark.createDataFrame(list(rows), DDL)


def changed(**values):
    names = [*(c.name for c in TABLE.fields), "refused", "refused_key"]
    return tuple(values.get(name, old) for name, old in zip(names, GOOD, strict=True))


BREACHES = [
    (changed(id=None), "null_id", "1 row have no id"),
    (changed(user_id=None), "null_user_id", "have no user_id"),
    (changed(id="B1"), "pattern_id", "have a id that does not match"),
    (changed(kind="z"), "not_allowed_kind", "have a kind other than x, y"),
    (changed(n=-1), "below_n", "have a n below 0"),
    (changed(n=10), "above_n", "have a n above 9"),
    (changed(score=float("nan")), "nan_score", "have a score that is not a number"),
    (changed(words=["u", "v", "w"]), "above_words", "have a size of words above 2"),
    (changed(words=["q"]), "not_allowed_words", "have a words other than u, v, w"),
    (changed(kind="y", n=9), "rule_nine", "have a y of 9"),
    (changed(ds="2026-01-03"), "outside_days", "lie outside the days of the run"),
]


def test_every_kind_of_breach_is_counted_on_its_day_and_refused_with_table_day_check_and_key(spark):
    rows = [tuple({**dict(enumerate(row))}.values()) for row, _, _ in BREACHES]
    for (_, fact, says), row in zip(BREACHES, rows, strict=True):
        frame = staged(spark, row, changed(id="c3"))
        found = quality.facts(frame, TABLE, DAYS)
        assert {f: c[f] for c in found.values() for f in quality.judged_facts(TABLE) if c[f]} == {fact: 1}
        with pytest.raises(Refused) as refused:
            quality.judge(frame, TABLE, found, {})
        assert str(refused.value).startswith(f"toys.everything, {row[0]}: 1 row ")
        assert says.removeprefix("1 row ") in str(refused.value)
        assert "u1" not in str(refused.value).replace("below", ""), "private values are hashed in messages"


def test_repeated_keys_are_refused_with_a_sample(spark):
    frame = staged(spark, GOOD, changed(n=4), changed(id="b2"))
    with pytest.raises(Refused, match=r"toys.everything, 2026-01-01: 2 rows repeat a key \(id, user_id\) \(id = a1 user_id = #"):
        quality.judge(frame, TABLE, quality.facts(frame, TABLE, DAYS), {})


def test_good_rows_pass_and_every_day_has_facts(spark):
    frame = staged(spark, GOOD, changed(id="b2", kind=None, n=None, score=None, words=None))
    found = quality.facts(frame, TABLE, DAYS)
    assert {day: c["rows"] for day, c in found.items()} == {"2026-01-01": 2, "2026-01-02": 0}
    quality.judge(frame, TABLE, found, {})


def test_refused_rows_are_counted_apart_and_not_judged(spark):
    frame = staged(spark, GOOD, changed(id=None, n=-5, refused="no id", refused_key="k"))
    (day, counts) = next(iter(quality.facts(frame, TABLE, DAYS).items()))
    assert (day, counts["rows"], counts["refused"], counts["null_id"]) == ("2026-01-01", 1, 1, 0)
    assert quality.refusals_digest(counts)


def test_a_digest_ignores_the_order_of_rows_and_sees_every_value(spark):
    def digest(*rows):
        return quality.day_digest(quality.facts(staged(spark, *rows), TABLE, DAYS)["2026-01-01"])

    other = changed(id="b2")
    base = digest(GOOD, other)
    assert digest(other, GOOD) == base
    different = [
        changed(kind=None), changed(n=None), changed(kind="y"), changed(score=0.25), changed(words=None), changed(words=[]),
        changed(words=["u", None]), changed(words=[None, "u"]),
    ]  # fmt: skip
    found = [digest(row, other) for row in different]
    assert len({base, *found}) == len(different) + 1


def test_a_tombstone_may_lack_required_values(spark):
    table = Table("toys.log", CHANGES, "d", ("id",), (Column("id", "string", "i", required=True), Column("v", "int", "v", required=True)))
    rows = [("2026-01-01", "a", None, True, True), ("2026-01-01", "b", None, False, True)]
    frame = spark.createDataFrame([(*r, None, None) for r in rows], table.ddl + ", refused string, refused_key string")
    counts = quality.facts(frame, table, DAYS)["2026-01-01"]
    assert counts["null_v"] == 1


def test_a_tombstone_breaks_no_rule(spark):
    table = Table("toys.log", CHANGES, "d", ("id",), (Column("id", "string", "i", required=True),), rules=(Rule("no", "are", "true"),))
    rows = [("2026-01-01", "a", True, True), ("2026-01-01", "b", False, True)]
    frame = spark.createDataFrame([(*r, None, None) for r in rows], table.ddl + ", refused string, refused_key string")
    assert quality.facts(frame, table, DAYS)["2026-01-01"]["rule_no"] == 1


WATCHED = Table(
    "toys.watched", DAILY, "d", ("id",), (Column("id", "int", "i", required=True), Column("v", "double", "v")),
    watches=(Watch("rows", "rows", None, 2.0), Watch("v", "mean v", "v", 0.2, critical=False)),
)  # fmt: skip
WATCHED_DDL = WATCHED.ddl + ", refused string, refused_key string"


def a_day(spark, rows, v=0.5):
    frame = spark.createDataFrame([("2026-01-10", n, v, None, None) for n in range(rows)], WATCHED_DDL)
    return frame, quality.facts(frame, WATCHED, Days("2026-01-10", "2026-01-10"))


def known_with(found):
    return {**KNOWN, **watching.watched(WATCHED, found, KNOWN)}


KNOWN = {f"2026-01-0{n}": {"rows": (100 + n,), "v": (100, 50_000_000, 26_000_000)} for n in range(1, 10)}


def test_a_day_like_those_before_is_published_and_nothing_is_told(spark):
    assert quality.judge(*_in_order(a_day(spark, 90))) == []


def test_a_day_with_far_fewer_rows_is_refused_with_what_is_usual_and_how_to_go_on(spark):
    frame, found = a_day(spark, 10)
    with pytest.raises(Refused) as refused:
        quality.judge(frame, WATCHED, found, known_with(found))
    lines = str(refused.value).split("\n")
    assert lines[0].startswith("toys.watched, 2026-01-10: rows: 10; usual is 31 to ")
    assert "the median of the 14 days before is 105" in lines[0]
    assert "--accept-unusual" in lines[1]
    assert lines[-1] == "nothing was published; readers see the table as it was"
    (told,) = quality.judge(frame, WATCHED, found, known_with(found), accept_unusual=True)
    assert told == lines[0]


def test_what_is_not_critical_is_told_and_published(spark):
    (told,) = quality.judge(*_in_order(a_day(spark, 100, v=0.9)))
    assert told.startswith("toys.watched, 2026-01-10: mean v: 0.9; usual is ")


def test_a_breach_of_the_contract_cannot_be_accepted(spark):
    frame = spark.createDataFrame([("2026-01-10", None, 0.5, None, None)], WATCHED_DDL)
    found = quality.facts(frame, WATCHED, Days("2026-01-10", "2026-01-10"))
    with pytest.raises(Refused, match="have no id") as refused:
        quality.judge(frame, WATCHED, found, known_with(found), accept_unusual=True)
    assert "--accept-unusual" not in str(refused.value)


def _in_order(day):
    frame, found = day
    return frame, WATCHED, found, known_with(found)


def test_a_check_that_itself_breaks_refuses_the_publication(monkeypatch):
    broken = SimpleNamespace(
        expectation_config=SimpleNamespace(kwargs={"column": "null_id"}),
        exception_info={"raised_exception": True, "exception_message": "no such metric"},
        success=False,
    )
    batch = SimpleNamespace(validate=lambda *a, **k: SimpleNamespace(results=[broken], success=False))
    monkeypatch.setattr(quality, "_batches", lambda name: SimpleNamespace(get_batch=lambda **k: batch))
    counts = {"2026-01-01": dict.fromkeys(quality.judged_facts(TABLE), 0)}
    with pytest.raises(Refused, match="the check null_id itself failed: no such metric; nothing was published"):
        quality.failed(counts, TABLE)


def test_the_suite_is_made_from_the_contract_and_judges_every_fact():
    expectations = quality.suite(TABLE).expectations
    assert [e.column for e in expectations] == list(quality.judged_facts(TABLE))
    severities = {e.column: e.severity.value for e in quality.suite(WATCHED).expectations}
    assert (severities["null_id"], severities["outside_rows"], severities["outside_v"]) == ("critical", "critical", "warning")
    assert {type(e).__name__ for e in expectations} == {"ExpectColumnValuesToBeBetween"}


def test_masked_values_hide_private_columns_and_bytes(spark):
    table = Table(
        "toys.masks", DAILY, "d", ("id",),
        (Column("id", "string", "i", required=True), Column("who", "string", "w", private=True), Column("b", "binary", "b")),
    )  # fmt: skip
    row = spark.createDataFrame([("i", "secret query", bytearray(b"xyz"))], "id string, who string, b binary")
    text = row.select(F.to_json(quality.masked_struct(table, ["id", "who", "b"])).alias("j")).collect()[0].j
    assert "secret" not in text
    assert '"id":"i"' in text
    assert '"b":"3 bytes"' in text
