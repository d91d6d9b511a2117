"""The operator: every row gets the answer to its input, whatever the windows and batches."""

from __future__ import annotations

import threading
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.engine.toys import Upper
from udfs.engine.operator import NO_INPUT, ROWS_AN_INPUT, Tally, answered
from udfs.engine.task import Budget

TEXTS = st.one_of(st.none(), st.sampled_from(["a", "bb", "ccc", "vile", "dddd", "", "e" * 9]))


def expected(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, NO_INPUT
    return (None, "it is vile") if text == "vile" else (text.upper(), None)


@given(
    st.lists(st.lists(TEXTS, max_size=7), max_size=6),
    st.integers(1, 12),
    st.integers(1, 200),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_every_row_gets_its_answer_or_its_reason_in_every_cut(parts, window_rows, window_bytes, tokens, rows):
    task, tally = Upper(), Tally()
    source = iter([[pa.array(part, pa.string())] for part in parts])
    budget = Budget(window_rows=window_rows, window_bytes=window_bytes, batch_tokens=tokens, batch_rows=rows)
    found = list(answered(source, lambda inputs: task, budget, tally))
    assert [len(a) for a, _ in found] == [len(part) for part in parts]
    got = [pair for a, r in found for pair in zip(a.to_pylist(), r.to_pylist(), strict=True)]
    assert got == [expected(text) for part in parts for text in part]
    assert tally.rows == sum(len(part) for part in parts)
    assert tally.computed >= tally.tokens


def test_an_input_is_run_once_a_window_and_batches_are_sorted_by_length():
    task, tally = Upper(), Tally()
    source = iter([[pa.array(["bb", "a", "bb", "dddd"])], [pa.array(["a", "ccc", "dddd"])]])
    list(answered(source, lambda inputs: task, Budget(window_rows=7, batch_tokens=8, batch_rows=2), tally))
    assert task.ran == [["dddd", "ccc"], ["bb", "a"]]
    assert (tally.rows, tally.inputs, tally.windows, tally.tokens, tally.computed) == (7, 4, 1, 10, 12)


def test_a_window_is_filled_by_distinct_inputs_or_by_many_rows_of_the_same():
    task, tally = Upper(), Tally()
    repeats = iter([[pa.array(["a", "b"])]] * 10 + [[pa.array(["b", "c"])]] + [[pa.array(["a"])]])
    found = list(answered(repeats, lambda inputs: task, Budget(window_rows=3), tally))
    assert [a.to_pylist() for a, _ in found] == [["A", "B"]] * 10 + [["B", "C"], ["A"]]
    assert (sorted(text for texts in task.ran for text in texts), tally.windows) == (["a", "a", "b", "c"], 2)
    task, tally = Upper(), Tally()
    list(answered(iter([[pa.array(["a"] * 10)]] * 10), lambda inputs: task, Budget(window_rows=2), tally))
    assert (tally.rows, tally.inputs, tally.windows) == (100, 3, 3), f"{ROWS_AN_INPUT} rows an input fill a window"


def test_a_source_without_inputs_loads_no_model():
    def never(inputs):
        raise AssertionError("the model was called for")

    source = iter([[pa.array([None, None], pa.string()), pa.array([None, None], pa.int64())], [pa.array([], pa.string()), pa.array([])]])
    found = list(answered(source, never, Budget(window_rows=1)))
    assert [(len(a), r.to_pylist()) for a, r in found] == [(2, [NO_INPUT, NO_INPUT]), (0, [])]


def test_what_breaks_in_the_model_or_in_preparing_reaches_the_caller_and_ends_the_thread():
    class Broken(Upper):
        def prepare(self, inputs):
            raise ValueError("cannot prepare")

    for task, says in ((Upper(), "the model broke"), (Broken(), "cannot prepare")):
        with pytest.raises((RuntimeError, ValueError), match=says):
            list(answered(iter([[pa.array(["a", "boom"])]] * 3), lambda inputs, task=task: task, Budget(window_rows=1, batch_rows=1)))
    assert not [t for t in threading.enumerate() if t.name == "pinlake-prefetch"]


def test_the_next_window_is_prepared_while_the_model_runs():
    class Watched(Upper):
        def __init__(self):
            super().__init__()
            self.prepared_during_run = 0
            self.running = threading.Event()

        def prepare(self, inputs):
            self.prepared_during_run += self.running.is_set()
            return super().prepare(inputs)

        def run(self, batch):
            self.running.set()
            # Until a window was prepared meanwhile, or none is left; a busy machine may be slow to come to the other thread.
            deadline, before = time.monotonic() + 2, self.prepared_during_run
            while self.prepared_during_run == before and time.monotonic() < deadline and self.prepared_during_run < 2:
                time.sleep(0.01)
            self.running.clear()
            return super().run(batch)

    task = Watched()
    list(answered(iter([[pa.array([str(n)])] for n in range(8)]), lambda inputs: task, Budget(window_rows=1)))
    assert task.prepared_during_run >= 2


def test_a_caller_that_stops_early_ends_the_thread():
    found = answered(iter([[pa.array([str(n)])] for n in range(1000)]), lambda inputs: Upper(), Budget(window_rows=1))
    assert next(found)[0].to_pylist() == ["0"]
    found.close()
    assert not [t for t in threading.enumerate() if t.name == "pinlake-prefetch"]
