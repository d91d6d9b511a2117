"""Slots times threads never exceed the cores, and a task that asks a model on an accelerator has one of its own."""

from __future__ import annotations

import pytest

from udfs.engine.threads import Oversubscribed, ThreadPlan, device, planned


@pytest.mark.parametrize(
    ("slots", "cores", "threads", "gpus", "plan"),
    [
        (2, 2, None, 0, ThreadPlan(2, 1)),
        (1, 2, None, 0, ThreadPlan(1, 2)),
        (4, 16, None, 0, ThreadPlan(4, 4)),
        (4, 16, 2, 0, ThreadPlan(4, 2)),
        (3, 8, None, 1, ThreadPlan(3, 2, gpu=True)),
    ],
)
def test_a_plan_fills_the_cores(slots, cores, threads, gpus, plan):
    assert planned(slots, cores, threads, gpus) == plan


@pytest.mark.parametrize(
    ("slots", "cores", "threads", "gpus", "says"),
    [
        (
            4,
            2,
            None,
            0,
            r"4 tasks at once with 1 thread each are more than 2 cores: start with --master 'local\[2\]', or set spark.task.cpus to 2",
        ),
        (2, 2, 2, 0, r"2 tasks at once with 2 threads each are more than 2 cores: start with --master 'local\[1\]'"),
        (2, 8, None, 0.5, r"spark.task.resource.gpu.amount is 0.5: .* set it to 1"),
        (1, 8, None, 2, r"spark.task.resource.gpu.amount is 2"),
    ],
)
def test_oversubscription_is_refused_with_what_to_set(slots, cores, threads, gpus, says):
    with pytest.raises(Oversubscribed, match=says):
        planned(slots, cores, threads, gpus)


def test_a_task_runs_where_spark_put_it():
    assert device(ThreadPlan(2, 1), {"gpu": ["0"]}) == "cpu"
    assert device(ThreadPlan(1, 1, gpu=True), {"gpu": ["3"]}) == "cuda:3"
    with pytest.raises(Oversubscribed, match="given 0 accelerators, not one"):
        device(ThreadPlan(1, 1, gpu=True), {})
