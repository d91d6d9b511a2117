"""All three DAGs over one day of a sample lake, task by task, as `airflow dags test` runs them: real jobs, real Spark, real Delta."""

from __future__ import annotations

import pytest

from airflow_dags.pipelines import pipelines
from tests.airflow_dags.conftest import pinlake

DAY = "2026-02-01"


@pytest.fixture(scope="module")
def runs(home, lake):
    """The runs of the three DAGs by name, one after the other, each of the last day."""
    from airflow_dags.building import dag

    return {page.name: dag(page.name).test(run_conf={"day": DAY}) for page in pipelines()}


def states(run):
    return {one.task_id: str(one.state) for one in run.get_task_instances()}


@pytest.mark.parametrize("name", [page.name for page in pipelines()])
def test_all_tasks_of_a_day_succeed(runs, name):
    assert set(states(runs[name]).values()) == {"success"}, states(runs[name])


@pytest.mark.parametrize("tag", ["nightly", "teacher", "labels", "students", "embeddings"])
def test_nothing_of_the_day_is_left_to_compute(runs, tag):
    """An engineer who asks finds all of it published, by the same commands."""
    assert pinlake("plan", tag, "--day", DAY)["compute"] == []


def test_a_run_by_hand_without_a_day_fails_before_anything_runs(home, lake):
    from airflow_dags.building import dag

    found = states(dag("labels").test())
    assert set(found.values()) == {"failed", "upstream_failed"}
    assert found["start"] == "failed"
