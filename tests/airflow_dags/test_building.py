"""The DAGs as Airflow reads them."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowFailException

from airflow_dags.building import dag, day_of, pool, start_of
from airflow_dags.pipelines import pipelines
from airflow_dags.pools import pools
from tests.airflow_dags.conftest import ROOT, python

NAMES = [page.name for page in pipelines()]


def test_the_folder_is_imported_without_errors_in_under_a_second(home):
    """As the DAG processor does it; the least of three, since other work on the machine counts too."""
    program = (
        "import json; from airflow.dag_processing.dagbag import DagBag; bag = DagBag(bundle_path=None);"
        "print(json.dumps([sorted(bag.dags), bag.import_errors, sum(s.duration.total_seconds() for s in bag.dagbag_stats)]))"
    )
    told = []
    for _ in range(3):
        done = subprocess.run([python(), "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
        told.append(json.loads(done.stdout.strip().splitlines()[-1]))
    assert told[0][:2] == [sorted(NAMES), {}]
    assert min(seconds for *_, seconds in told) < 1


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_retries_a_timeout_a_pool_of_one_an_owner_words_and_an_asset(name):
    made = dag(name)
    assert made.doc_md
    assert made.max_active_runs == 1
    assert made.catchup is False
    assert made.tasks[0].task_id == "start"
    for one in made.tasks[1:]:
        assert one.retries >= 3, one.task_id
        assert one.execution_timeout >= timedelta(hours=1), one.task_id
        assert one.owner == "pinlake", one.task_id
        assert "By hand: `pinlake " in one.doc_md, one.task_id
        (asset,) = one.outlets
        assert one.pool == pool(asset.name), one.task_id
        assert pools()[one.pool]["slots"] == 1
        assert one.arguments[0] in ("run", "evaluate"), one.task_id
        assert one.arguments[-3:] == ["--day", "{{ day_of(dag_run, params) }}", "--json"], one.task_id


def test_tasks_wait_for_what_the_page_says():
    made = dag("nightly")
    assert made.get_task("pin_texts").upstream_task_ids >= {"board_titles", "engaged_queries", "link_texts", "link_clicks"}
    assert made.get_task("pin_embeddings").upstream_task_ids == {"embedding_answers"}
    assert made.get_task("pins").upstream_task_ids == {"start"}


def run(partition_key=None):
    return SimpleNamespace(dag_id="nightly", partition_key=partition_key)


@pytest.mark.parametrize(
    ("given", "of", "day"),
    [
        ({"day": "2026-01-02"}, run(), "2026-01-02"),
        ({"day": "2026-01-02"}, run("2026-01-05"), "2026-01-02"),
        ({"day": None}, run("2026-01-05"), "2026-01-05"),
        ({}, run("2026-01-05"), "2026-01-05"),
    ],
)
def test_the_day_is_the_given_one_or_the_partition(given, of, day):
    assert day_of(of, given) == day


def test_a_run_by_hand_without_a_day_is_refused_and_told_how():
    with pytest.raises(AirflowFailException, match=r"airflow dags trigger nightly --conf '\{\"day\""):
        day_of(run(), {"day": None})


@pytest.mark.parametrize("day", ["yesterday", "2026-01-02; id", "2026-02-31", "../x", "2026-01-02\n"])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(AirflowFailException, match="nothing was run"):
        day_of(run(), {"day": day})


def test_jobs_start_some_hours_after_their_day_has_ended():
    assert start_of(run("2026-01-31"), {}, 2) == "2026-02-01T02:00:00+00:00"


@pytest.mark.parametrize(
    ("name", "now", "day"),
    [("nightly", "2026-01-31", "2026-01-30"), ("labels", "2026-03-01", "2026-02-28"), ("weekly", "2026-02-01", "2026-02-01")],
)
def test_a_scheduled_run_is_of_the_day_that_ended_and_a_weekly_one_of_sunday(name, now, day):
    """The timetable is due at midnight; what is weekly waits in its first task until the day has ended."""
    from airflow.serialization.encoders import coerce_to_core_timetable

    timetable = coerce_to_core_timetable(dag(name).schedule)
    assert timetable._get_partition_info(timezone.parse(f"{now}T00:00:00+00:00"))[1] == day
