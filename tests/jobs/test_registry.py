"""The page of jobs: every string resolves, and reading the page costs no Spark."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from jobs import building, registry
from jobs.spec import Ask, Train
from schemas.contract import PRECISIONS
from udfs.engine.task import Budget


@pytest.mark.parametrize("job", registry.JOBS, ids=lambda job: job.name)
def test_a_build_takes_the_jobs_inputs_by_name(job):
    takes = list(inspect.signature(building.resolved(job)).parameters)
    given = [name for name in takes if name not in ("days", "params")]
    if isinstance(job, Ask):
        # What a model is asked with is its loader's; a payload takes a chunk of questions and inputs.
        assert callable(building.named(job.loader))
        assert set(job.precisions) <= set(PRECISIONS)
        assert Budget(**job.budget)
        questions, *more = inspect.signature(building.named(job.payload)).parameters if job.payload else ("questions",)
        assert questions == "questions"
        given += [name for name in more if name not in given]
    elif isinstance(job, Train):
        # Parameters are the trainer's, and the build's where they say which rows are learnt from; each of its functions resolves.
        assert all(callable(building.named(name)) for name in (job.trainer, job.measure, job.judge, job.loader))
    else:
        looks = list(inspect.signature(building.named(job.blocks)).parameters) if job.blocks else []
        assert ("params" in [*takes, *looks]) == (job.params is not None)
        given += [name for name in looks if name not in (*given, "days", "params")]
    assert given == list(job.inputs)
    if job.params is not None:
        assert building.parameters(job, {}) is not None
    with pytest.raises(ValueError, match=rf"\[params.{job.name}\]"):
        building.parameters(job, {"no_such_parameter": 1})


def test_reading_the_page_imports_no_spark_pandas_or_torch():
    code = (
        "import sys, jobs.registry, jobs.lineage, jobs.planner, jobs.describing, jobs.cli, schemas.catalog, airflow_dags\n"
        "print(sorted({'pyspark', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_train_is_found_by_its_name_and_no_other_job_is_one():
    assert registry.train("train_student").model == "student"
    for name in ("pins", "teacher_answers", "nothing"):
        with pytest.raises(KeyError):
            registry.train(name)
