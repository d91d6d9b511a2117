"""A model asked in this very process, without Spark: for trainers and evaluations, whose rows are in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa

from udfs.engine import threads
from udfs.engine.operator import answered
from udfs.engine.precision import chosen
from udfs.engine.task import Asking, Columns

_ROWS = 1_024


def answers(asking: Asking, inputs: Columns, say: Callable[[int], None] = lambda rows: None) -> tuple[pa.Array, pa.Array, str]:
    """(answers, reasons of those without one, precision) of all rows; `say` is told how many are done. The model is not kept.

    On the asking's plan of one task with its threads; `auto` is decided by a probe on the first rows.
    """
    threads.apply(asking.plan)
    device = threads.device(asking.plan, {})
    precision = chosen(asking, device, [column.slice(0, asking.probe_rows) for column in inputs])
    task = replace(asking, precision=precision).load(device, precision)
    batches = ([column.slice(start, _ROWS) for column in inputs] for start in range(0, len(inputs[0]), _ROWS))
    found, refused, done = [], [], 0
    for answer, reasons in answered(batches, lambda columns: task, asking.budget.on(device)):
        found.append(answer)
        refused.append(reasons)
        done += len(reasons)
        say(done)
    return pa.concat_arrays([one.cast(task.kind) for one in found]), pa.concat_arrays(refused), precision
