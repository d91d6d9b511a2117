"""The commands end to end on a small sample lake: real Spark, real Delta, all jobs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.commands import Lake, as_of
from jobs.days import Days
from jobs.demo import SPARK
from jobs.errors import UsageError
from jobs.registry import JOBS
from jobs.registry import job as registered
from jobs.settings import load
from jobs.spec import Ask
from schemas import evaluation, raw, signals, state, texts

PINS, SEED = 300, 7
DAYS = Days("2026-01-30", "2026-02-02")
SHORT = SPARK["spark.driver.extraJavaOptions"]
PINLAKE = str(Path(sys.executable).with_name("pinlake"))


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """A sample lake of four days over a month's first, and the nightly jobs run on it once."""
    made = Lake(load({"warehouse": str(tmp_path_factory.mktemp("ware house")), "master": "local[2]"}))
    made.sample(PINS, DAYS, SEED)
    made.first_run = made.run("nightly", DAYS, upstream=True, force=True)[0]
    return made


def files(lake):
    root = Path(lake.settings.warehouse)
    return {p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] not in ("ops", "_staging")}


def test_a_nightly_run_tells_rows_changes_refusals_versions_and_digests_of_every_job(lake):
    jobs = lake.first_run["jobs"]
    assert list(jobs) == [job.name for job in lake.lineage.jobs]
    assert len(jobs) == len(JOBS)
    for name, told in jobs.items():
        asks = isinstance(registered(name), Ask)
        counts = {"asked", "kept"} if asks else set()
        assert set(told) == {"output", "rows", "changed", "quarantined", "seconds", "version", "digests"} | counts, name
        assert list(told["digests"]) == list(DAYS), name
        # Answers are committed chunk by chunk, all other days of a first run at once.
        assert told["version"] > 0 if asks else told["version"] == 0, name
    assert jobs["pins"]["rows"] > PINS
    assert jobs["engagement_daily"]["quarantined"] > 0
    assert jobs["link_texts"]["quarantined"] > 0


def test_the_same_run_again_has_the_same_digests_and_leaves_no_file(lake):
    before = files(lake)
    again, _ = lake.run("nightly", Days(DAYS.last, DAYS.last), upstream=True, force=True)
    assert files(lake) == before
    assert again["asked"] == 0 < lake.first_run["asked"]
    for name, told in again["jobs"].items():
        assert told["changed"] == 0, name
        assert told["digests"] == {DAYS.last: lake.first_run["jobs"][name]["digests"][DAYS.last]}, name
    assert lake.plan("nightly", DAYS, upstream=True)[0]["compute"] == []
    assert lake.run("pin_texts", DAYS, upstream=True, force=False)[0]["jobs"] == {}


def test_every_live_pin_has_a_text_row_and_every_source_is_there(lake):
    def live(table):
        return as_of(lake.store.frame(table), table, DAYS.last, DAYS.first)

    pins, described = live(state.PINS), live(texts.PINS)
    assert described.count() == pins.count() > 0.9 * PINS
    assert described.join(pins, "pin_id", "left_anti").count() == 0
    counts = {source: described.where(f"array_contains(sources, '{source}')").count() for source in texts.SOURCES}
    assert min(counts.values()) > 0, counts
    assert counts["caption"] > 0.95 * described.count(), "a few images are broken"
    bare = described.where("title is null and description is null").count()
    assert 0.2 < bare / described.count() < 0.4


def test_captions_of_the_shipped_captioner_name_what_was_planted_far_above_chance(lake):
    day = Days(DAYS.last, DAYS.last)
    found, text = lake.evaluate_captions(None, day)
    assert found["rows"] >= 0.97 * found["images"] > 250
    for part, least in {"object": 0.8, "color": 0.9, "style": 0.9}.items():
        assert found[part]["share"] >= least
        assert found[part]["shuffled"] < 0.5 * found[part]["share"]
        assert f"{part}: right {found[part]['right']}" in text
    again, _ = lake.evaluate_captions(None, day)
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'captions' and metric = 'object_share'").collect()
    assert again == found
    assert [(row.data_set, row.value, row["count"]) for row in kept] == [("sample.truth", found["object"]["share"], found["images"])]


def test_rare_and_private_queries_stay_in_raw_and_the_signals_that_may_hold_them(lake):
    may = {signals.QUERY_USERS, signals.ENGAGEMENT_DAILY, signals.ENGAGEMENT_TOTALS}
    planted = lake.store.frame(raw.SEARCH_EVENTS).where("query like '%zqsecret%'").count()
    assert planted > 0
    for job in JOBS:
        if job.output in may:
            continue
        rows = lake.store.frame(job.output)
        words = [c for c, kind in rows.dtypes if "string" in kind]
        found = rows.where(" or ".join(f"cast({c} as string) like '%zqsecret%'" for c in words)).count()
        assert found == 0, job.output.name
    shown = json.dumps(lake.quarantine_show(None, None, 1000)[0])
    assert "zqsecret" not in shown


def test_refused_rows_are_shown_with_reasons_and_can_be_replayed(lake):
    found, text = lake.quarantine_show("engagement_daily", None, 3)
    assert found["quarantined"] == lake.first_run["jobs"]["engagement_daily"]["quarantined"]
    assert "days from its day" in text
    replayed, _ = lake.quarantine_replay("link_texts", DAYS)
    assert replayed["refused_before"] == replayed["refused_after"] > 0
    assert replayed["jobs"]["link_texts"]["changed"] == 0


def test_a_lake_with_other_days_is_not_mixed_with_this_one(lake):
    with pytest.raises(UsageError, match="holds a sample lake with other days"):
        lake.sample(PINS, Days("2026-01-31", "2026-02-02"), SEED)


def test_newest_first_is_refused_where_a_change_log_is_computed(lake):
    with pytest.raises(UsageError, match="--newest-first: .*state.pins.* are change logs, which are computed oldest first"):
        lake.run("nightly", DAYS, upstream=True, force=False, newest_first=True)


def test_the_account_of_runs_is_shown_and_rebuilt(lake):
    assert len(lake.runs(5, rebuild=False)[0]["runs"]) == 5
    rebuilt = lake.runs(500, rebuild=True)[0]["runs"]
    assert {r["job"] for r in rebuilt} == {"sample", "evaluate_captions", *(job.name for job in JOBS)}
    assert lake.published(texts.PINS).startswith("version 0, 4 days from 2026-01-30 to 2026-02-02")


def test_a_backfill_killed_in_the_middle_and_begun_again_gives_the_digests_of_an_undisturbed_run(lake, tmp_path):
    """Killed at a moment that the machine chooses: while the job after the second published one is under way."""
    warehouse, below = tmp_path / "ware house", lake.lineage.upstream([registered("engaged_queries")])
    shutil.copytree(Path(lake.settings.warehouse) / "raw", warehouse / "raw")
    (tmp_path / "pinlake.toml").write_text(f'[spark]\n"spark.driver.extraJavaOptions" = "{SHORT}"\n')
    command = [PINLAKE, "backfill", "engaged_queries", "--upstream", "--first", DAYS.first, "--last", DAYS.last, "--master", "local[2]"]
    killed = subprocess.Popen(
        [*command, "--warehouse", str(warehouse)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    told = 0
    for line in killed.stderr:
        told += "published" in line
        if told == 2:
            break
    time.sleep(0.8)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    assert told == 2
    other = Lake(load({"warehouse": str(warehouse), "master": "local[2]"}))
    result, _ = other.run("engaged_queries", DAYS, upstream=True, force=False)
    assert 0 < len(result["jobs"]) < len(below), "what was published before the kill is not computed again"
    for one in below:
        digests = {day: published.digest for day, published in other.store.ledger(one.output).days.items()}
        assert digests == lake.first_run["jobs"][one.name]["digests"], one.name
