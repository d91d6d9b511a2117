"""A model asked in this very process, without Spark: for trainers and evaluations, whose rows are in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa

from udfs.engine import threads
from udfs.engine.operator import answered
from udfs.engine.precision import chosen
from udfs.engine.task import Asking, Columns, Task

_ROWS = 1_024
Say = Callable[[int], None]
Answers = tuple[pa.Array, pa.Array, str]


def answers(asking: Asking, inputs: Columns, say: Say = lambda rows: None) -> Answers:
    """(answers, reasons of those without one, precision) of all rows; `say` is told how many are done. The model is not kept."""
    return asker(asking)(inputs, say)


def asker(asking: Asking) -> Callable[[Columns, Say], Answers]:
    """What asks the model, on the asking's plan of one task with its threads: loaded for the first rows, on which a probe decides where the
    precision is `auto`, and kept as long as this is."""
    threads.apply(asking.plan)
    device = threads.device(asking.plan, {})
    kept: list[tuple[Task, str]] = []

    def ask(inputs: Columns, say: Say) -> Answers:
        if not len(inputs[0]):
            raise ValueError("a model is asked about one row at least")
        if not kept:
            precision = chosen(asking, device, [column.slice(0, asking.probe_rows) for column in inputs])
            kept.append((replace(asking, precision=precision).load(device, precision), precision))
        task, precision = kept[0]
        batches = ([column.slice(start, _ROWS) for column in inputs] for start in range(0, len(inputs[0]), _ROWS))
        found, refused, done = [], [], 0
        for answer, reasons in answered(batches, lambda columns: task, asking.budget.on(device)):
            found.append(answer)
            refused.append(reasons)
            done += len(reasons)
            say(done)
        return pa.concat_arrays([one.cast(task.kind) for one in found]), pa.concat_arrays(refused), precision

    return ask
