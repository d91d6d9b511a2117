"""All three DAGs over one day of a sample lake, task by task, as `airflow dags test` runs them: real jobs, real Spark, real Delta."""

from __future__ import annotations

import pytest

from airflow_dags.pipelines import pipeline
from tests.airflow_dags.conftest import pinlake

DAY = "2026-02-01"


ORDER = ("nightly", "labels", "weekly", "labels again")
"""The first labels have no teacher yet: what would ask one says so and ends well."""


@pytest.fixture(scope="module")
def runs(home, lake):
    """What became of the tasks of each run by its name, one run after the other, all of the last day."""
    from airflow_dags.building import dag

    return {name: states(dag(name.split()[0]).test(run_conf={"day": DAY})) for name in ORDER}


def states(run):
    return {one.task_id: str(one.state) for one in run.get_task_instances()}


@pytest.mark.parametrize("name", ORDER)
def test_all_tasks_of_a_day_succeed(runs, name):
    page = pipeline(name.split()[0])
    assert runs[name] == dict.fromkeys(["start", *(step.name for step in page.steps)], "success")


def test_a_teacher_counts_from_the_day_on_and_the_second_labels_are_its(runs):
    assert pinlake("models", "list")["models"]["teacher"] != []
    assert "2026-02-01" in pinlake("describe", "labels.teacher_scores")["published"]


@pytest.mark.parametrize("tag", ["nightly", "teacher", "labels", "students", "embeddings"])
def test_nothing_of_the_day_is_left_to_compute(runs, tag):
    """An engineer who asks finds all of it published, by the same commands."""
    assert pinlake("plan", tag, "--day", DAY)["compute"] == []


def test_a_run_by_hand_without_a_day_fails_before_anything_runs(home, lake):
    from airflow_dags.building import dag

    found = states(dag("labels").test())
    assert set(found.values()) == {"failed", "upstream_failed"}
    assert found["start"] == "failed"
