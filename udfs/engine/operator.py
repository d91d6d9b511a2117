"""The operator: windows of Arrow batches are asked of a task, and every row gets its answer back.

A window is some thousand distinct inputs. In it each is asked once; inputs are tokenised once, sorted by length and cut into batches by a
budget of padded tokens. A thread makes batches ahead, the next window's among them, so that the model never waits for Python or Spark.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.engine import memory
from udfs.engine.batching import Places, batches, distinct, restored
from udfs.engine.prefetch import prefetched
from udfs.engine.task import CPU_TOKENS, Budget, Columns, Prepared, Task

NO_INPUT = "there is nothing to ask about"
ROWS_AN_INPUT = 16
"""A window holds at most so many times the rows that it may hold inputs, however often they repeat: answers must not wait for ever."""


@dataclass
class Tally:
    """What the operator did: rows, distinct inputs, tokens that were meant and that were computed (with padding), seconds by part."""

    rows: int = 0
    inputs: int = 0
    tokens: int = 0
    computed: int = 0
    windows: int = 0
    model_seconds: float = 0.0


@dataclass
class _Window:
    """Batches of rows taken together: how many each has, each row's input, why inputs are refused, and the answers so far."""

    rows: list[int]
    codes: Places
    reasons: list[str | None]
    kind: pa.DataType = field(default_factory=pa.null)
    answers: list[pa.Array] = field(default_factory=list)
    ran: list[Places] = field(default_factory=list)

    def results(self) -> Iterator[tuple[pa.Array, pa.Array]]:
        """(answers, refused) of each batch of rows."""
        codes = pa.array(self.codes)
        answers = restored(self.answers, self.ran, len(self.reasons), self.kind).take(codes)
        refused = pa.array(self.reasons, pa.string()).take(codes)
        start = 0
        for rows in self.rows:
            yield answers.slice(start, rows), refused.slice(start, rows)
            start += rows


@dataclass(frozen=True)
class _Batch:
    """Inputs of a window at some places, as the task runs them; none of them, of no task, after a window's last batch."""

    window: _Window
    task: Task | None = None
    places: Places | None = None
    inputs: Any = None
    tokens: int = 0
    computed: int = 0


def answered(
    source: Iterator[Columns], task: Callable[[Columns], Task], budget: Budget, tally: Tally | None = None
) -> Iterator[tuple[pa.Array, pa.Array]]:
    """(answers, refused) for every batch of the source, row for row; `refused` is the reason where there is no answer, else null.

    `task` gives the task to ask about a window's inputs (a probe may run on them); a source without inputs never calls it. A budget that
    says nothing of a batch's tokens is a CPU's.
    """
    count = Tally() if tally is None else tally
    trimming = memory.Trimming()
    for batch in prefetched(_work(source, task, budget), budget.ahead):
        window = batch.window
        if batch.task is None or batch.places is None:
            count.rows += sum(window.rows)
            count.inputs += len(window.reasons)
            count.windows += 1
            yield from window.results()
            continue
        started = time.perf_counter()
        window.answers.append(batch.task.run(batch.inputs))
        count.model_seconds += time.perf_counter() - started
        window.ran.append(batch.places)
        count.tokens += batch.tokens
        count.computed += batch.computed
        trimming.batch_done()
    memory.trim()


def _work(source: Iterator[Columns], task: Callable[[Columns], Task], budget: Budget) -> Iterator[_Batch]:
    """The batches of every window, and an empty one after each window's last."""
    for rows, codes, inputs in _windows(source, budget):
        empty = _null_in_all(inputs)
        reasons: list[str | None] = [NO_INPUT if nothing else None for nothing in empty]
        window = _Window(rows, codes, reasons)
        if not empty.all():
            asked = task(inputs)
            window.kind = asked.kind
            prepared = asked.prepare(inputs)
            for place, reason in prepared.refused.items():
                reasons[place] = reasons[place] or reason
            places = np.flatnonzero([reason is None for reason in reasons])
            yield from _batches(window, asked, prepared, places, budget)
        yield _Batch(window)


def _batches(window: _Window, task: Task, prepared: Prepared, places: Places, budget: Budget) -> Iterator[_Batch]:
    lengths = prepared.lengths
    for some in batches(lengths, places, budget.batch_tokens or CPU_TOKENS, budget.batch_rows, prepared.alike):
        tokens, computed = int(lengths[some].sum()), int(lengths[some].max()) * len(some)
        yield _Batch(window, task, some, task.batch(prepared.items, some), tokens, computed)


def _windows(source: Iterator[Columns], budget: Budget) -> Iterator[tuple[list[int], Places, Columns]]:
    """(rows of each batch, each row's input, the distinct inputs) of batches taken together until their inputs fill a window."""
    rows: list[int] = []
    codes: list[Places] = []
    inputs: Columns = []
    for columns in source:
        own = distinct(columns)
        codes.append(own.codes)
        fresh = [column.take(pa.array(own.first)) for column in columns]
        if rows:
            known = len(inputs[0])
            both = [pa.concat_arrays(parts) for parts in zip(inputs, fresh, strict=True)]
            # In order of appearance: what the window holds already keeps its places.
            joined = distinct(both)
            codes[-1] = joined.codes[known:][own.codes]
            fresh = [column.take(pa.array(joined.first)) for column in both]
        rows.append(len(columns[0]))
        inputs = fresh
        size = sum(column.nbytes for column in inputs)
        if len(inputs[0]) >= budget.window_rows or sum(rows) >= budget.window_rows * ROWS_AN_INPUT or size >= budget.window_bytes:
            yield rows, np.concatenate(codes), inputs
            rows, codes = [], []
    if rows:
        yield rows, np.concatenate(codes), inputs


def _null_in_all(columns: Sequence[pa.Array]) -> Any:
    """True (a numpy array of booleans) where a row has no value in any column."""
    missing = columns[0].is_null()
    for column in columns[1:]:
        missing = pc.and_(missing, column.is_null())
    return missing.to_numpy(zero_copy_only=False)
