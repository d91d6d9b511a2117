"""The runner over real Delta: publication, reruns, staleness, quarantine, conflicts, refusals, cuts of a range."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs import given
from jobs.days import Days
from jobs.errors import PinlakeError, Refused, UsageError
from jobs.lineage import Lineage
from jobs.planner import Wanted
from jobs.publication import Step, publish
from jobs.runner import Runner, rebuilt_runs
from jobs.store import Conflict, Store
from schemas import ops, raw
from schemas.contract import Column
from tests.jobs.toys import CHANGED_PINS, JOBS, PINS, updates

DAYS = Days("2026-01-30", "2026-02-02")
ROWS = [
    ("2026-01-30", "p1", "a"), ("2026-01-30", "p2", "b"), ("2026-01-31", "p1", "a"), ("2026-01-31", "p2", None),
    ("2026-02-02", "p1", "c"), ("2026-02-02", "p3", "bad"),
]  # fmt: skip


@pytest.fixture
def store(spark, tmp_path):
    return Store(spark, str(tmp_path / "ware house"))


def write_raw(store, rows=ROWS, days=DAYS, name="sample", run="given"):
    return given.write(store, run, name, raw.PIN_UPDATES, updates(store.spark, rows), days)


def runner(store, **more):
    return Runner(store, Lineage(JOBS), say=lambda line: None, **more)


def wanted(days=DAYS, force=True, target=None):
    return Wanted(tuple(j for j in JOBS if target in (None, j.name)), days, target is None, force)


def rows_of(store, table, *columns):
    return sorted(tuple(r) for r in store.frame(table).select(*columns).collect())


def files_of(store):
    root = Path(store.warehouse)
    return {p for p in root.rglob("*") if p.is_file() and "ops" not in p.relative_to(root).parts}


def test_a_run_publishes_changes_the_monthly_base_and_quarantine_and_a_rerun_writes_nothing(store):
    write_raw(store)
    done = {p.job: p for p in runner(store).run(wanted())}
    assert rows_of(store, PINS, "ds", "pin_id", "title", "deleted", "changed") == [
        ("2026-01-30", "p1", "a", False, True),
        ("2026-01-30", "p2", "b", False, True),
        ("2026-01-31", "p2", None, True, True),
        ("2026-02-01", "p1", "a", False, False),
        ("2026-02-02", "p1", "c", False, True),
    ]
    assert rows_of(store, CHANGED_PINS, "ds", "n") == [("2026-01-30", 2), ("2026-01-31", 1), ("2026-02-02", 1)]
    assert done["toy_pins"].quarantined == 1
    refused = store.quarantined([PINS], None).collect()
    assert [(r.ds, r.reason, r.row_key) for r in refused] == [("2026-02-02", "the title is bad", '{"pin_id":"p3"}')]
    before = files_of(store)
    again = runner(store).run(wanted())
    assert files_of(store) == before
    assert [(p.version, p.changed) for p in again] == [(None, 0), (None, 0)]
    assert {p.job: p.digests for p in again} == {name: p.digests for name, p in done.items()}
    assert store.quarantined([PINS], None).count() == 1
    assert not [p for p in Path(store.warehouse).glob("_staging/*/*/*") if p.exists()]
    assert {r.version for r in store.frame(ops.RUNS).where("job = 'toy_pins'").collect()} == {0, None}


def test_jobs_side_by_side_give_the_same_digests_each_planned_by_a_session_of_its_own(store, monkeypatch):
    write_raw(store)
    whole = {(p.job, d): x for p in runner(store).run(wanted()) for d, x in p.digests.items()}
    sessions = set()
    one = Runner._one

    def seen(self, todo, done):
        sessions.add(id(self.store.spark))
        return one(self, todo, done)

    monkeypatch.setattr(Runner, "_one", seen)
    other = Store(store.spark, store.warehouse + "_beside")
    write_raw(other)
    beside, said = runner(other, at_once=3), []
    beside.say = said.append
    assert {(p.job, d): x for p in beside.run(wanted()) for d, x in p.digests.items()} == whole
    assert [line.split()[0] for line in said] == ["[1/2]", "[2/2]"]
    assert len(sessions) <= 2
    assert id(store.spark) in sessions
    assert store.frame(ops.RUNS).count() == 2
    assert Store(store.spark, other.warehouse).frame(ops.RUNS).count() == 2


@pytest.mark.parametrize("step", [1, 2, 3])
def test_any_cut_into_steps_gives_the_same_digests(store, step):
    write_raw(store)
    whole = {(p.job, d): x for p in runner(store).run(wanted()) for d, x in p.digests.items()}
    other = Store(store.spark, store.warehouse + "_cut")
    write_raw(other)
    cut = {(p.job, d): x for p in runner(other, step_days=step).run(wanted(force=False)) for d, x in p.digests.items()}
    assert cut == whole
    assert runner(other).run(wanted(force=False)) == [], "after a backfill nothing is missing or stale"


def test_a_changed_input_day_makes_exactly_what_depends_on_it_stale_and_an_equal_result_cuts_off_what_follows(store):
    write_raw(store)
    runner(store).run(wanted())
    again = [("2026-01-31", "p1", "a"), ("2026-01-31", "p2", None), ("2026-01-31", "p1x", "bad")]
    write_raw(store, again, Days("2026-01-31", "2026-01-31"), run="g2")
    versions = {t: store.ledger(t).version for t in (PINS, CHANGED_PINS)}
    done = runner(store).run(wanted(force=False))
    assert [(p.job, str(p.days)) for p in done] == [("toy_pins", "2026-01-31")], "only refusals changed: rows below are current"
    assert store.ledger(PINS).version == versions[PINS] + 1
    write_raw(store, [("2026-01-31", "p1", "new"), ("2026-01-31", "p2", None)], Days("2026-01-31", "2026-01-31"), run="g3")
    done = runner(store).run(wanted(force=False))
    assert {(p.job, d) for p in done for d in p.digests} == {
        ("toy_pins", "2026-01-31"), ("toy_pins", "2026-02-01"), ("toy_pins", "2026-02-02"),
        ("toy_counts", "2026-01-31"), ("toy_counts", "2026-02-01"), ("toy_counts", "2026-02-02"),
    }  # fmt: skip
    assert ("2026-02-01", "p1", "new") in rows_of(store, PINS, "ds", "pin_id", "title")
    assert runner(store).run(wanted(force=False)) == []


def test_an_equal_result_from_changed_inputs_is_recorded_without_a_file(store):
    write_raw(store)
    runner(store).run(wanted())
    again = [("2026-02-02", "p1", "c"), ("2026-02-02", "p3", "bad"), ("2026-02-02", "p9", None)]
    write_raw(store, again, Days("2026-02-02", "2026-02-02"), run="g2")
    data = {p for p in files_of(store) if "toys" in p.parts and "_delta_log" not in p.parts}
    done = runner(store).run(wanted(force=False))
    assert [(p.job, p.changed) for p in done] == [("toy_pins", 0)]
    assert [r.row_key for r in store.quarantined([PINS], None).collect()] == ['{"pin_id":"p3"}']
    assert {p for p in files_of(store) if "toys" in p.parts and "_delta_log" not in p.parts} == data
    assert runner(store).run(wanted(force=False)) == []


def test_changed_parameters_are_recomputed_and_an_unknown_one_is_named(store):
    write_raw(store)
    runner(store).run(wanted())
    done = runner(store, params={"toy_pins": {"suffix": "!"}}).run(wanted(force=False))
    assert {p.job for p in done} == {"toy_pins", "toy_counts"}
    assert ("2026-02-02", "c!") in rows_of(store, PINS, "ds", "title")
    with pytest.raises(ValueError, match=r"\[params.toy_pins\]: unknown sufix; known: suffix"):
        runner(store, params={"toy_pins": {"sufix": "!"}}).run(wanted())
    with pytest.raises(UsageError, match=r"\[params.toys\]"):
        runner(store, params={"toys": {}}).run(wanted())


def test_a_breach_refuses_the_step_and_readers_see_the_table_as_it_was(store):
    write_raw(store)
    runner(store).run(wanted())
    version = store.ledger(PINS).version
    write_raw(store, [("2026-02-02", "p1", "x" * 21)], Days("2026-02-02", "2026-02-02"), run="g2")
    with pytest.raises(Refused, match=r"toys.pins, 2026-02-02: 1 row have a length of title above 20 \(pin_id = p1\)") as refused:
        runner(store).run(wanted())
    assert refused.value.exit_code == 3
    assert store.ledger(PINS).version == version


def test_a_lost_row_of_a_one_to_one_job_is_refused(store, monkeypatch):
    write_raw(store)
    from tests.jobs import toys

    whole = toys.build_pins
    monkeypatch.setattr(toys, "build_pins", lambda updates, params: whole(updates, params).where("pin_id <> 'p2'"))
    with pytest.raises(Refused, match="toys.pins, 2026-01-30: 2 rows of updates gave 1 rows, built and refused together"):
        runner(store).run(wanted(target="toy_pins"))


def test_a_missing_day_above_is_an_error_and_upstream_mends_it(store):
    write_raw(store)
    with pytest.raises(PinlakeError, match="toy_counts: toys.pins has no 2026-01-30..2026-02-02; run first: pinlake backfill toy_pins"):
        runner(store).run(wanted(target="toy_counts"))
    done = runner(store).run(replace(wanted(target="toy_counts"), upstream=True))
    assert [p.job for p in done] == ["toy_pins", "toy_counts"]


def test_jobs_that_begin_on_different_days_are_cut_into_the_same_steps(store):
    write_raw(store)
    late = replace(wanted(Days("2026-02-01", "2026-02-02"), target="toy_counts"), upstream=True)
    done = runner(store, step_days=3).run(late)
    assert [(p.job, str(p.days)) for p in done] == [
        ("toy_pins", "2026-01-30..2026-02-01"), ("toy_counts", "2026-02-01"), ("toy_pins", "2026-02-02"), ("toy_counts", "2026-02-02"),
    ]  # fmt: skip


def test_what_was_published_before_a_refusal_is_in_the_account(store, monkeypatch):
    from tests.jobs import toys

    write_raw(store)
    whole = toys.build_counts
    monkeypatch.setattr(toys, "build_counts", lambda pins, days: whole(pins, days).withColumn("n", F.lit(-1).cast("bigint")))
    with pytest.raises(Refused, match="have a n below 0"):
        runner(store).run(wanted())
    found = {r.job: (r.version, r.refused) for r in store.frame(ops.RUNS).collect()}
    assert found["toy_pins"] == (0, None)
    assert found["toy_counts"][0] is None
    assert "have a n below 0" in found["toy_counts"][1]


def test_a_table_that_is_not_connected_stops_its_job_with_the_reason(store):
    with pytest.raises(PinlakeError, match="toy_pins cannot run: raw.pin_updates is not connected"):
        runner(store).run(wanted(target="toy_pins"))
    said = []
    lenient = runner(store)
    lenient.say = said.append
    assert lenient.run(replace(wanted(target="toy_pins"), if_connected=True)) == []
    assert said == ["toy_pins: skipped, raw.pin_updates is not connected (nothing was ever written to it)"]


def test_a_writer_of_the_same_days_in_between_is_a_conflict_and_of_other_days_is_not(store):
    write_raw(store)
    since = store.ledger(raw.PIN_UPDATES).version
    rows = updates(store.spark, [("2026-02-02", "p1", "late")]).withColumn("refused", F.lit(None).cast("string"))
    rows = rows.withColumn("refused_key", F.lit(None).cast("string"))
    write_raw(store, [("2026-02-02", "p1", "first")], Days("2026-02-02", "2026-02-02"), run="g2")
    late = Step("other", raw.PIN_UPDATES, Days("2026-02-02", "2026-02-02"), since=since)
    with pytest.raises(Conflict, match="raw.pin_updates, 2026-02-02: another run wrote these days meanwhile") as conflict:
        publish(store, "late", late, rows)
    assert conflict.value.exit_code == 3
    elsewhere = rows.withColumn("ds", F.lit("2026-02-03"))
    assert publish(store, "late", replace(late, days=Days("2026-02-03", "2026-02-03")), elsewhere).version is not None


def test_writers_of_different_days_at_once_all_land(store):
    write_raw(store)
    failures = []

    def one(n):
        day = f"2026-03-{n:02d}"
        try:
            mine = Store(store.spark, store.warehouse)
            write_raw(mine, [(day, f"p{n}", "t")], Days(day, day), name="sample", run=f"w{n}")
        except PinlakeError as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    days = Store(store.spark, store.warehouse).ledger(raw.PIN_UPDATES).days
    assert {f"2026-03-{n:02d}" for n in range(1, 5)} <= set(days)


def test_a_changed_type_or_meaning_is_refused_with_both_spellings_and_a_new_nullable_column_is_added(store):
    write_raw(store)
    run = {p.job: p for p in runner(store).run(wanted())}
    assert run["toy_pins"].version == 0
    rows = store.frame(PINS)
    meta = {"run": "r", "job": "j", "days": {}, "first": "2026-01-30", "last": "2026-01-30"}

    def with_title(column):
        return replace(PINS, columns=(PINS.columns[0], column))

    with pytest.raises(Refused, match="toys.pins: column title is string in the stored table and int in its contract"):
        store.replace(with_title(Column("title", "int", "title")), rows, ["2026-01-30"], meta)
    with pytest.raises(Refused, match="column title means 'title' in the stored table and 'name' in its contract.*--accept-wording"):
        store.replace(with_title(Column("title", "string", "name")), rows, ["2026-01-30"], meta)
    with pytest.raises(Refused, match="has columns that its contract does not name: title"):
        store.replace(replace(PINS, columns=PINS.columns[:1]), rows, ["2026-01-30"], meta)
    wider = replace(PINS, columns=(*PINS.columns, Column("note", "string", "a note")))
    with pytest.raises(Refused, match="the stored table has no column note, which is required"):
        store.frame(replace(PINS, columns=(*PINS.columns, Column("note", "string", "a note", required=True))))
    assert store.frame(wider).select("note").distinct().collect()[0].note is None
    store.replace(wider, store.frame(wider).where("ds = '2026-01-30'").withColumn("note", F.lit("n")), ["2026-01-30"], meta)
    assert {r.note for r in store.frame(wider).collect()} == {"n", None}
    reworded = with_title(Column("title", "string", "the pin's title"))
    store.accept_wording(reworded)
    assert "title" in store.frame(reworded).columns


def test_the_account_of_runs_can_be_rebuilt_from_the_commits_alone(store):
    write_raw(store)
    runner(store).run(wanted())
    columns = ["run_id", "job", "output", "first_ds", "last_ds", "version", "rows", "changed", "quarantined", "metadata"]
    kept = rows_of(store, ops.RUNS, *columns)
    rebuilt = sorted(tuple(r) for r in rebuilt_runs(store, [PINS, CHANGED_PINS]).select(*columns).collect())
    assert rebuilt == kept
    assert len(kept) == 2
    meta = json.loads(kept[0][-1])
    assert {"run", "job", "code", "params", "days"} <= set(meta)


def test_days_that_another_system_wrote_are_told_apart_by_their_files(store):
    rows = updates(store.spark, ROWS)
    rows.write.format("delta").partitionBy("ds").save(store.path(raw.PIN_UPDATES))
    ledger = store.ledger(raw.PIN_UPDATES)
    assert sorted(ledger.days) == ["2026-01-30", "2026-01-31", "2026-02-02"]
    runner(store).run(wanted())
    assert runner(store).run(wanted(force=False)) == []
    writer = updates(store.spark, [("2026-02-02", "p1", "d")]).write.format("delta").mode("overwrite")
    writer.option("replaceWhere", "ds = '2026-02-02'").save(store.path(raw.PIN_UPDATES))
    done = runner(Store(store.spark, store.warehouse)).run(wanted(force=False))
    assert {(p.job, d) for p in done for d in p.digests} == {("toy_pins", "2026-02-02"), ("toy_counts", "2026-02-02")}
