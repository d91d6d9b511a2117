"""Slots and threads: what runs at once on a machine, planned on the driver and applied in every worker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class Oversubscribed(ValueError):
    """More threads than cores, or more tasks than accelerators; the message says what to set."""


@dataclass(frozen=True)
class ThreadPlan:
    """Tasks that run at once on one machine, the threads of each, and whether each has an accelerator of its own."""

    slots: int = 1
    threads: int = 1
    gpu: bool = False


def planned(slots: int, cores: int, threads: int | None, gpus: float = 0.0) -> ThreadPlan:
    """The plan for `slots` tasks at once on `cores` cores; Oversubscribed where they do not fit.

    `threads`: of each task, None for as many as fit. `gpus`: accelerators that Spark gives to each task, which must be none or one
    (`spark.task.resource.gpu.amount`): two models on one accelerator would share its memory by chance.
    """
    if gpus not in (0, 1):
        raise Oversubscribed(
            f"spark.task.resource.gpu.amount is {gpus:g}: a task that asks a model needs an accelerator of its own, set it to 1"
        )
    wanted = max(cores // slots, 1) if threads is None else threads
    if slots * wanted > cores:
        raise Oversubscribed(
            f"{slots} tasks at once with {wanted} thread{'s' if wanted > 1 else ''} each are more than {cores} "
            f"core{'s' if cores > 1 else ''}: start with --master 'local[{max(cores // wanted, 1)}]', "
            f"or set spark.task.cpus to {-(-slots * wanted // cores)}"
        )
    return ThreadPlan(slots, wanted, bool(gpus))


def machine_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device(plan: ThreadPlan, resources: Mapping[str, list[str]]) -> str:
    """`cuda:N` of the accelerator that Spark gave to the task, `cpu` where the plan has none; Oversubscribed where it was not given."""
    if not plan.gpu:
        return "cpu"
    given = resources.get("gpu", [])
    if len(given) != 1:
        raise Oversubscribed(f"the task was given {len(given)} accelerators, not one: set spark.executor.resource.gpu.amount")
    return f"cuda:{given[0]}"


def apply(plan: ThreadPlan) -> None:
    """Sets the threads of this process: torch, OpenMP and the tokenizers' own pool. Called before a model is loaded."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(plan.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if plan.threads > 1 else "false"
    import torch

    torch.set_num_threads(plan.threads)
