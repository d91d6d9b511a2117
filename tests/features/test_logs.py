"""The algebra of change logs: however a range is cut into steps, the rows are those of a plain recompute."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, StructField, StructType

from features import logs
from tests.changelog import Rows, change_rows, stored_rows

DAYS = [str(dt.date(2026, 1, 30) + dt.timedelta(n)) for n in range(6)]
CUTS = {"one step": [DAYS], "uneven": [DAYS[:1], DAYS[1:2], DAYS[2:5], DAYS[5:]]}
CASES = 200
Snapshots = dict[str, dict[Any, tuple[Any, ...]]]

PINS = "ds string, pin string, url string, title string, deleted boolean, changed boolean"
PAGES = "ds string, url string, text string, deleted boolean, changed boolean"
LINKS = "ds string, parent string, url string, weight int, deleted boolean, changed boolean"


def snapshots(rng: random.Random, keys: Sequence[Any], value: Callable[[], tuple[Any, ...]]) -> Snapshots:
    """What is live on each day, of entities that come, change, leave and return."""
    live: dict[Any, tuple[Any, ...]] = {}
    found: Snapshots = {}
    for day in DAYS:
        live = dict(live)
        for key in keys:
            if rng.random() < 0.3:
                live[key] = value()
            elif rng.random() < 0.15:
                live.pop(key, None)
        found[day] = live
    return found


def worlds(seed: int) -> dict[str, Snapshots]:
    """Pins that point to pages, pages, and weighted links from parents to pages; many cases that never meet."""
    found: dict[str, Snapshots] = {name: {day: {} for day in DAYS} for name in ("pins", "pages", "links")}
    for case in range(CASES):
        rng = random.Random(f"{seed}/{case}")
        urls = [f"{case}-u{n}" for n in range(3)]
        made = {
            "pins": snapshots(rng, [f"{case}-p{n}" for n in range(3)], lambda: (rng.choice((None, *urls)), rng.choice((None, "a", "b")))),  # noqa: B023
            "pages": snapshots(rng, urls, lambda: (rng.choice((None, "x", "y")),)),  # noqa: B023
            "links": snapshots(rng, [(f"{case}-q{n % 2}", url) for n in range(2) for url in urls], lambda: (rng.randrange(3),)),  # noqa: B023
        }
        for name, days in made.items():
            for day in DAYS:
                found[name][day].update(days[day])
    return found


def told(world: Mapping[str, Snapshots]) -> dict[str, Rows]:
    """The change rows of what the steps below compute, recomputed for each day alone."""
    pins: Snapshots = {}
    parents: Snapshots = {}
    for day in DAYS:
        texts = {url: text for url, (text,) in world["pages"][day].items()}
        pins[day] = {pin: (url, title, texts.get(url)) for pin, (url, title) in world["pins"][day].items()}
        lists: dict[str, list[tuple[str, int, str | None]]] = {}
        for (parent, url), (weight,) in world["links"][day].items():
            lists.setdefault(parent, []).append((url, weight, texts.get(url)))
        parents[day] = {parent: (tuple(sorted(found)),) for parent, found in lists.items()}
    return {"pins": change_rows(pins), "parents": change_rows(parents)}


def stored(spark: SparkSession, by_day: Snapshots, schema: str) -> DataFrame:
    """The table that holds the snapshots as a log."""
    width = schema.count(",") + 1
    rows = []
    for (day, key), (value, deleted, changed) in change_rows(by_day).items():
        names = key if isinstance(key, tuple) else (key,)
        rows.append((day, *names, *(value or (None,) * (width - 3 - len(names))), deleted, changed))
    random.Random(0).shuffle(rows)
    return spark.createDataFrame(rows, schema).localCheckpoint()


def base(day: str) -> str:
    """The day from which a reader of `day` must read."""
    return max(str(dt.date.fromisoformat(day) - dt.timedelta(1))[:8] + "01", DAYS[0])


def with_text(left: DataFrame, pages: DataFrame, key: Sequence[str], pointer: str, values: Sequence[str]) -> DataFrame:
    """States of the left's entities with the text of the page that they point to."""
    both = logs.merged(
        {
            "own": logs.valued(left, key, values),
            "page": logs.joined(left, logs.valued(pages, ("url",), ("text",)), key, {pointer: "url"}),
        },
        key,
    )
    return both.select("ds", *key, *(f"own.{v}" for v in values), "page.text", F.col("own").isNull().alias("deleted"))


def listed(links: DataFrame, first: str) -> DataFrame:
    """States of the parents: their links with texts, sorted."""
    found = logs.gathered(links, ("parent",), ("parent", "url"), first)
    pairs = F.collect_list(F.when(F.col("url").isNotNull(), F.struct("url", "weight", "text")))
    return found.groupBy("ds", "parent").agg(F.sort_array(pairs).alias("links")).withColumn("deleted", F.size("links") == 0)


OUTPUTS = {"pins": (("pin",), ("url", "title", "text")), "parents": (("parent",), ("links",))}


def replayed(spark: SparkSession, raw: Mapping[str, DataFrame], steps: Sequence[Sequence[str]]) -> dict[str, DataFrame]:
    """The output tables after all steps, each step reading no more than a job may."""
    tables: dict[str, DataFrame] = {}
    for days in steps:
        first, last = days[0], days[-1]
        read = {
            name: logs.as_log(raw[name].where(F.col("ds").between(base(first), last)), first, last, key)
            for name, key in {"pins": ("pin",), "pages": ("url",), "links": ("parent", "url")}.items()
        }
        made = {
            "pins": with_text(read["pins"], read["pages"], ("pin",), "url", ("url", "title")),
            "parents": listed(with_text(read["links"], read["pages"], ("parent", "url"), "url", ("weight",)), first),
        }
        for name, states in made.items():
            key, values = OUTPUTS[name]
            own = tables.get(name)
            own = spark.createDataFrame([], StructType([*states.schema, StructField("changed", BooleanType())])) if own is None else own
            before = logs.opened(own.where(F.col("ds").between(base(first), last)), first, key)
            tables[name] = own.unionByName(logs.changes(states, before, key, values, days)).coalesce(2).localCheckpoint()
    return tables


@settings(max_examples=1, deadline=None, phases=(Phase.generate,))
@given(seed=st.integers(0, 2**32))
def test_every_cut_gives_the_rows_of_a_plain_recompute(spark: SparkSession, seed: int) -> None:
    world = worlds(seed)
    expected = told(world)
    raw = {name: stored(spark, world[name], schema) for name, schema in (("pins", PINS), ("pages", PAGES), ("links", LINKS))}
    assert all(sum(row[1:] == kind for row in rows.values()) > 20 for rows in expected.values() for kind in ((True, True), (False, False)))
    for cut, steps in CUTS.items():
        for name, table in replayed(spark, raw, steps).items():
            found = stored_rows(table, *OUTPUTS[name])
            wrong = [row for row in found.keys() | expected[name].keys() if found.get(row) != expected[name].get(row)]
            assert not wrong, f"{cut}, {name}: {[(row, found.get(row), expected[name].get(row)) for row in sorted(wrong, key=str)[:3]]}"


def test_points_add_days_on_which_nothing_changed(spark: SparkSession) -> None:
    rows = [
        ("2026-02-01", "p", "a", 1, False),
        ("2026-02-01", "q", "a", 2, False),
        ("2026-02-03", "p", "b", 3, False),
        ("2026-02-04", "q", "a", None, True),
    ]
    links = spark.createDataFrame(rows, "ds string, parent string, url string, weight int, deleted boolean")
    points = spark.createDataFrame(
        [("p", "2026-02-02"), ("q", "2026-02-02"), ("r", "2026-02-02"), ("p", "2026-02-03")], "parent string, ds string"
    )
    found = logs.gathered(links, ("parent",), ("parent", "url"), "2026-02-02", points).collect()
    assert sorted((r.ds, r.parent, r.url or "", r.weight) for r in found) == [
        ("2026-02-02", "p", "a", 1),
        ("2026-02-02", "q", "a", 2),
        ("2026-02-02", "r", "", None),
        ("2026-02-03", "p", "a", 1),
        ("2026-02-03", "p", "b", 3),
        ("2026-02-04", "q", "", None),
    ]


def test_a_true_change_knows_the_values_before_it(spark: SparkSession) -> None:
    before = [("2026-01-30", "a", 1, False), ("2026-01-30", "left", None, True), ("2026-01-30", "same", 5, False)]
    states = [
        ("2026-01-31", "a", 1, False),  # as it was
        ("2026-02-01", "a", 2, False),
        ("2026-02-02", "a", None, True),
        ("2026-01-31", "left", 7, False),  # returns
        ("2026-02-02", "new", 9, False),
    ]
    frames = [spark.createDataFrame(rows, "ds string, id string, v int, deleted boolean") for rows in (states, before)]
    found = logs.changes(*frames, ("id",), ("v",), ["2026-01-31", "2026-02-01", "2026-02-02"], was=("v",))
    assert sorted((r.ds, r.id, r.v, r.changed, r.was and r.was.v) for r in found.collect()) == [
        ("2026-01-31", "left", 7, True, None),
        ("2026-02-01", "a", 2, True, 1),
        ("2026-02-01", "left", 7, False, None),
        ("2026-02-01", "same", 5, False, None),
        ("2026-02-02", "a", None, True, 2),
        ("2026-02-02", "new", 9, True, None),
    ]


def test_touched_are_the_keys_that_moved_in_the_range(spark: SparkSession) -> None:
    log = spark.createDataFrame([("2026-01-31", "a"), ("2026-02-01", "b"), ("2026-02-02", "b")], "ds string, pin string")
    assert [row.pin for row in logs.touched(log, ("pin",), "2026-02-01").collect()] == ["b"]


def test_merging_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one log"):
        logs.merged({}, ("pin",))


def plan_of(frame: DataFrame) -> list[str]:
    """The operators of the optimised plan, outermost first."""
    return [line.lstrip(" :+-") for line in frame._jdf.queryExecution().optimizedPlan().toString().splitlines()]


def test_rows_near_some_keys_are_found_before_opening_rows_are(spark: SparkSession) -> None:
    table = spark.createDataFrame([("2026-01-01", "p", "u", 1, False, True)], LINKS).repartition(1)
    keys = spark.createDataFrame([("p", "u"), ("q", "u"), (None, None)], "parent string, url string").repartition(1)
    log = logs.as_log(table, "2026-01-02", "2026-01-03", ("parent", "url"))
    for on in (("parent",), ("parent", "url")):
        operators = plan_of(logs.near(log, keys, on))
        window = next(n for n, operator in enumerate(operators) if operator.startswith("Window ["))
        assert any(operator.startswith("Join LeftSemi") for operator in operators[window:])
        assert not any(operator.startswith("Join") for operator in operators[:window]), "all opening rows are sorted"
    assert not any(operator.startswith("Window") for operator in plan_of(logs.touched(log, ("parent",), "2026-01-02"))), "changes alone"


def test_near_is_a_semi_join(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", "x"), ("a", "y"), ("b", None), (None, "x"), ("c", "x")], "parent string, url string")
    keys = spark.createDataFrame([("a", "x"), ("a", "x"), ("b", None), (None, "x")], "parent string, url string")
    found = [logs.near(rows, keys, on).sort("parent", "url").collect() for on in (("parent",), ("parent", "url"))]
    assert [[tuple(row) for row in some] for some in found] == [[("a", "x"), ("a", "y"), ("b", None)], [("a", "x")]]
    assert logs.near(rows, keys.limit(0), ("parent",)).count() == 0


def test_few_keys_that_were_kept_are_sent_to_the_rows_and_not_the_rows_to_them(spark, tmp_path):
    many = spark.range(1_000_000).select(F.col("id").cast("string").alias("key"), F.lit("x" * 100).alias("text"))
    few = many.where(F.col("key").startswith("99999"))

    def joins(keys: DataFrame) -> str:
        return logs.near(many, keys, ("key",))._jdf.queryExecution().sparkPlan().toString()

    before = spark.sparkContext.getCheckpointDir()
    spark.sparkContext.setCheckpointDir(str(tmp_path))
    try:
        same = logs.kept(few)
        assert same.exceptAll(few).isEmpty()
        assert same.count() == few.count()
        assert "BroadcastHashJoin" in joins(same)
        assert "BroadcastHashJoin" not in joins(few.checkpoint()), "whose size is that of all there are"
    finally:
        spark.sparkContext._jsc.sc().setCheckpointDir(before and before.rpartition("/")[0])


def test_what_a_log_says_on_the_days_on_which_it_is_asked(spark: SparkSession) -> None:
    rows = [("2026-02-01", "a", 1, False), ("2026-02-03", "a", 2, False), ("2026-02-04", "a", None, True), ("2026-02-02", "b", 5, False)]
    log = spark.createDataFrame(rows, "ds string, id string, value int, deleted boolean")
    wanted = [("2026-01-31", "a"), ("2026-02-02", "a"), ("2026-02-03", "a"), ("2026-02-05", "a"), ("2026-02-09", "b"), ("2026-02-09", "c")]
    asked = spark.createDataFrame(wanted, "ds string, id string")
    found = logs.as_of(asked, log, ("id",), (F.col("value").alias("v"),)).collect()
    assert sorted((r.ds, r.id, r.v) for r in found) == [("2026-02-02", "a", 1), ("2026-02-03", "a", 2), ("2026-02-09", "b", 5)]


@settings(max_examples=1, deadline=None, phases=(Phase.generate,))
@given(seed=st.integers(0, 2**32))
def test_sums_over_children_are_those_of_the_children_that_live(spark: SparkSession, seed: int) -> None:
    links = worlds(seed)["links"]
    table = stored(spark, links, LINKS)
    first = DAYS[2]
    log = logs.as_log(table, first, DAYS[-1], ("parent", "url")).withColumn("more", F.col("weight") * 10)
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in logs.summed(log, ("parent",), ("parent", "url"), ("weight", "more")).collect():
        found[row.ds, row.parent] = (row.weight, row.more)
    now: dict[str, tuple[int, int]] = {}
    for (_, parent), sums in sorted((key, sums) for key, sums in found.items() if key[0] < first):
        now[parent] = sums
    for day in DAYS[2:]:
        now |= {parent: sums for (ds, parent), sums in found.items() if ds == day}
        wanted: dict[str, int] = {}
        for (parent, _), (weight,) in links[day].items():
            wanted[parent] = wanted.get(parent, 0) + weight
        assert {parent: sums for parent, sums in now.items() if sums[0]} == {p: (w, w * 10) for p, w in wanted.items() if w}
