"""Many writers, reruns, plans of any kind, bad batches."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from jobs import quality
from jobs.commands import Lake
from jobs.days import Days
from jobs.errors import Refused
from jobs.publication import Step, publish
from jobs.session import configured
from jobs.settings import load
from jobs.store import Store
from schemas import raw
from tests.jobs import toys
from tests.jobs.queries import histories, test_histories
from tests.promises.counted import Promise
from tests.promises.test_kills import PROGRAMS, ROOT, begun
from tests.replay import frame, replay

DAYS = Days("2026-01-30", "2026-02-02")


@pytest.mark.timeout(3600)
def test_04_writers_of_one_table_at_once_all_land(spark, tmp_path, promise: Promise) -> None:
    """Processes that publish different days of one table, each commit against the others'."""
    processes, writes = promise.of(2, 4), promise.of(3, 25)
    running = [
        begun([sys.executable, "-m", f"{PROGRAMS}.publishing", str(tmp_path), f"w{n}", str(n * writes), str((n + 1) * writes)], ROOT)
        for n in range(processes)
    ]
    codes = [(process.communicate(), process.returncode)[1] for process in running]
    assert codes == [0] * processes
    days = Store(spark, str(tmp_path)).ledger(raw.PIN_UPDATES).days
    rows = {r.ds: r.n for r in Store(spark, str(tmp_path)).frame(raw.PIN_UPDATES).groupBy("ds").agg(F.count(F.lit(1)).alias("n")).collect()}
    for n, day in enumerate(sorted(days)):
        promise.held(rows.get(day) == n % 7 + 1, f"{day}: {rows.get(day)} rows")
    assert promise.runs == processes * writes
    assert promise.kept(), promise.failures[:3]


def files(warehouse: str) -> set[Path]:
    """The files of all tables but the account of runs."""
    root = Path(warehouse)
    return {p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] not in ("ops", "_staging")}


@pytest.mark.timeout(3600)
def test_05_any_job_again_on_the_same_inputs_gives_the_same_digests_and_writes_no_file(spark, tmp_path, promise: Promise) -> None:
    times = promise.of(0, 3)
    lake = Lake(load({"warehouse": str(tmp_path / "ware house"), "master": "local[2]"}))
    lake.sample(300, DAYS, promise.seed)
    runs = []
    for _ in range(times):
        jobs = lake.run("nightly", DAYS, upstream=True, force=True)[0]["jobs"]
        runs.append(({name: one["digests"] for name, one in jobs.items()}, files(lake.settings.warehouse)))
    for digests, kept in runs[1:]:
        for name, wanted in runs[0][0].items():
            promise.held(digests[name] == wanted, f"{name}: other digests")
        promise.held(kept == runs[0][1], f"{len(kept ^ runs[0][1])} files")
    assert promise.kept(), promise.failures[:3]


PLANS = [
    {"spark.sql.shuffle.partitions": partitions, "spark.sql.adaptive.enabled": adaptive}
    for partitions, adaptive in product(("1", "2", "7", "64"), ("true", "false"))
]


@pytest.mark.timeout(3600)
def test_06_rows_are_the_same_however_they_are_planned_cut_and_ordered(spark, monkeypatch, promise: Promise) -> None:
    """All pairs of a plan and a cut meet; each case has an order of its own, of five."""
    monkeypatch.setattr(test_histories.engagement_totals, "WINDOW_DAYS", histories.KEPT_DAYS)
    cases = [row for case in range(30) for row in histories.history(promise.seed, case)]
    orders = []
    for n in range(5):
        rows = list(cases)
        random.Random(n).shuffle(rows)
        orders.append(frame(spark, raw.SEARCH_EVENTS, rows).repartition(n + 1).localCheckpoint())
    wanted: dict[str, str] | None = None
    plans = list(enumerate(product(PLANS, test_histories.CUTS.values())))
    for n, (plan, steps) in plans[: promise.of(1, len(plans))]:
        with configured(spark, plan):
            stored = replay(spark, test_histories._jobs(), {raw.SEARCH_EVENTS: orders[n % 5]}, steps, test_histories.PARAMS)
            found = {name: digest(stored[table], table.fields) for name, table in test_histories.OUTPUTS.items()}
        wanted = wanted or found
        promise.held(found == wanted, f"{plan}, order {n % 5}, {len(steps)} steps: {[k for k in found if found[k] != wanted[k]]}")
    assert promise.kept(), promise.failures[:3]


def digest(rows: Any, fields: Any) -> str:
    """A sum over rows' hashes, in whatever order they are."""
    value = F.xxhash64(*(F.to_json(F.struct(c.name)) for c in fields)).cast("decimal(38,0)")
    return str(rows.agg(F.count(F.lit(1)), F.sum(value)).first())


Spoil = Callable[[random.Random, list[dict[str, Any]]], None]


def _with(**values: Any) -> Spoil:
    def spoil(luck: random.Random, rows: list[dict[str, Any]]) -> None:
        luck.choice(rows).update(values)

    return spoil


def _repeat(luck: random.Random, rows: list[dict[str, Any]]) -> None:
    rows.append(dict(luck.choice(rows)))


SPOILS: tuple[Spoil, ...] = (
    _with(pin_id=None),
    _with(title="far too long for this column"),
    _with(ds="2026-01-09"),
    _with(ds=None),
    _with(deleted=None),
    _repeat,
)


@pytest.mark.timeout(1800)
def test_10_bad_batches_are_not_published_and_no_reader_sees_them(spark, tmp_path, monkeypatch, promise: Promise) -> None:
    """A reader without Spark polls the table all the while; a check that breaks refuses as well."""
    store, table, luck = Store(spark, str(tmp_path)), toys.PINS, random.Random(promise.seed)
    day = Days("2026-01-01", "2026-01-01")
    many = promise.of(3, 120)

    def batch(titles: str) -> list[dict[str, Any]]:
        return [{"ds": day.first, "pin_id": f"p{n}", "title": f"{titles} {n}"} for n in range(5)]

    def put(rows: list[dict[str, Any]], run: str) -> None:
        nothing = [F.lit(None).cast("string").alias(c) for c in ("refused", "refused_key")]
        publish(store, run, Step("toy_pins", table, day), frame(spark, table, rows).select("*", *nothing))

    put(batch("good"), "run_good")
    stop, polls, seen = threading.Event(), 0, set()

    def poll() -> None:
        nonlocal polls
        while not stop.is_set() or polls < promise.of(10, 1_000):
            stored = DeltaTable(store.path(table))
            seen.add((stored.version(), tuple(sorted(stored.to_pyarrow_table()["title"].to_pylist()))))
            polls += 1

    reader = threading.Thread(target=poll)
    reader.start()
    for n in range(many):
        rows = batch(f"bad {n}")
        SPOILS[n % len(SPOILS)](luck, rows)
        try:
            put(rows, f"run_{n}")
            promise.held(False, f"batch {n} was published")
        except Refused:
            promise.held(store.ledger(table).version == 0, f"batch {n}: a commit")
    with monkeypatch.context() as broken:
        whole = quality.facts_frame
        broken.setattr(quality, "facts_frame", lambda *given: whole(*given).drop(columns="null_pin_id"))
        with pytest.raises(Refused, match="nothing was published"):
            put(batch("unchecked"), "run_error")
    stop.set()
    reader.join()
    assert seen == {(0, tuple(f"good {n}" for n in range(5)))}
    assert polls >= promise.of(10, 1_000)
    assert promise.kept(), promise.failures[:3]
