"""The page of the DAGs: which job is in which, and what a step waits for."""

from __future__ import annotations

import subprocess
import sys

from airflow_dags.pipelines import EVALUATED, pipelines
from jobs.lineage import Lineage
from jobs.registry import JOBS

PAGES = {page.name: page for page in pipelines()}


def test_every_job_is_in_exactly_one_dag():
    steps = [step.name for page in pipelines() for step in page.steps]
    assert sorted(steps) == sorted([job.name for job in JOBS] + [f"evaluate_{name}" for name in EVALUATED.values()])


def test_a_job_reads_what_its_own_dag_or_an_earlier_one_writes():
    lineage, place = Lineage(JOBS), {step.name: n for n, page in enumerate(pipelines()) for step in page.steps}
    for job in lineage.jobs:
        for up in lineage.above(job):
            # Students may read the joint embedding's nightly vectors, and those of the night before: `as_published`.
            assert place[up.name] <= place[job.name], f"{job.name} reads what {up.name} writes in a later DAG"


def test_a_step_comes_after_those_that_it_waits_for_and_waits_for_none_twice():
    lineage, jobs = Lineage(JOBS), {job.name: job for job in JOBS}
    for page in pipelines():
        seen: set[str] = set()
        for step in page.steps:
            assert set(step.after) <= seen, step.name
            seen.add(step.name)
            ups = [jobs[name] for name in step.after if step.name in jobs]
            for up in ups:
                assert not {far.name for far in lineage.upstream([up])} & (set(step.after) - {up.name}), step.name


def test_what_a_step_reads_in_its_dag_is_waited_for():
    lineage = Lineage(JOBS)
    for page in pipelines():
        after = {step.name: step.after for step in page.steps}

        def waited(name, after=after):
            return {far for up in after[name] for far in (up, *waited(up))}

        for job in lineage.jobs:
            if job.name in after:
                assert {up.name for up in lineage.above(job)} & after.keys() <= waited(job.name), job.name


def test_an_evaluation_follows_its_training():
    after = {step.name: step for step in PAGES["weekly"].steps}
    assert after["evaluate_teacher"].after == ("train_teacher",)
    assert after["evaluate_teacher"].words == ("evaluate", "teacher", "--if-connected")
    assert after["train_embeddings"].after == ("vocabulary",)


def test_the_page_is_read_without_spark_pandas_torch_or_airflow():
    heavy = ("pyspark", "pandas", "numpy", "torch", "airflow")
    program = f"import sys, airflow_dags.pipelines as p; p.pipelines(); print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
