"""Models that all workers of one machine share: loaded once, by the process that these workers are forked from (udfs/daemon.py).

Spark keeps one such process for each environment of its workers. A function that asks a model has an environment of its own, which names
the model; so its workers begin with the model in memory, and hold weights, tokenizer and libraries only once.
"""

from __future__ import annotations

import base64
import contextlib
import os
import pickle
from collections.abc import Iterator
from dataclasses import replace

from pyspark import SparkContext

from udfs.daemon import ASKING
from udfs.engine import cache, threads
from udfs.engine.precision import known
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan

_DAEMON = ("spark.python.daemon.module", "udfs.daemon")
_LONGEST = 64 << 10
"""Linux takes no longer variable than 128 KiB."""


@contextlib.contextmanager
def shared(asking: Asking) -> Iterator[None]:
    """Functions given to Spark within run in workers that share the model, where Spark forks them from our own process.

    Not for accelerators: what a process did with one is of no use to those forked from it.
    """
    context = SparkContext._active_spark_context
    told = _told(asking)
    if context is None or context.getConf().get(_DAEMON[0]) != _DAEMON[1] or asking.plan.gpu or len(told) > _LONGEST:
        yield
        return
    context.environment[ASKING] = told
    try:
        yield
    finally:
        del context.environment[ASKING]


def _told(asking: Asking) -> str:
    # Without what differs between functions that ask the same model: each of them would load it once more.
    return base64.b64encode(pickle.dumps(replace(asking, budget=Budget()))).decode()


def load(told: str) -> None:
    """Loads the model for the workers to come, or only its code where a probe has yet to choose the precision.

    What fails here is not told: it fails in a worker again, which can say so. Nothing runs: a model's threads do not live on in a fork.
    """
    with contextlib.suppress(Exception), _no_output():
        asking: Asking = pickle.loads(base64.b64decode(told))
        threads.apply(ThreadPlan())
        asking.module()
        if precision := known(asking, "cpu"):
            cache.cached(asking, "cpu", lambda: precision)


@contextlib.contextmanager
def _no_output() -> Iterator[None]:
    """Nothing that is printed within gets out: on stdout Spark waits for the port of its daemon, and until then it reads no stderr."""
    kept, nothing = (os.dup(1), os.dup(2)), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        for number, before in enumerate(kept, start=1):
            os.dup2(before, number)
            os.close(before)
        os.close(nothing)
