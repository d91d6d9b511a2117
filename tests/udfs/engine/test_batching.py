"""Windows become batches: every distinct input once, every row its answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from udfs.engine.batching import STEP, batches, distinct, restored

VALUES = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "ä", "a" * 40]))


@given(st.lists(st.tuples(VALUES, VALUES), max_size=40))
def test_rows_with_equal_columns_are_one_input_in_order_of_appearance(rows):
    columns = [pa.array([row[n] for row in rows], pa.string()) for n in (0, 1)]
    first, codes = distinct(columns)
    seen = list(dict.fromkeys(rows))
    assert [rows[place] for place in first] == seen
    assert [seen[code] for code in codes] == rows
    assert all(rows.index(seen[n]) == place for n, place in enumerate(first))


NUMBERS = st.one_of(st.none(), st.lists(st.sampled_from([0.0, 1.5, -2.0, None]), max_size=3))


@given(st.lists(st.tuples(NUMBERS, VALUES), max_size=30), st.integers(0, 3))
def test_lists_of_numbers_are_told_apart_as_texts_are(rows, cut):
    columns = [pa.array([row[0] for row in rows], pa.list_(pa.float32())), pa.array([row[1] for row in rows], pa.string())]
    rows, columns = rows[cut:], [column.slice(cut) for column in columns]
    first, codes = distinct(columns)
    keys = [(None if row[0] is None else tuple(row[0]), row[1]) for row in rows]
    seen = list(dict.fromkeys(keys))
    assert [keys[place] for place in first] == seen
    assert [seen[code] for code in codes] == keys


@given(st.lists(st.integers(0, 300), max_size=80), st.integers(1, 600), st.integers(1, 20), st.data())
def test_batches_hold_each_place_once_and_keep_their_budget(lengths, tokens, rows, data):
    places = np.array([n for n in range(len(lengths)) if data.draw(st.booleans())], dtype=np.int64)
    sizes = np.array(lengths, dtype=np.int32)
    found = batches(sizes, places, tokens, rows)
    assert sorted(place for batch in found for place in batch) == list(places)
    for batch in found:
        assert len(batch) <= rows
        assert len(batch) == 1 or max(int(sizes[batch].max()), 1) * len(batch) <= tokens
    tops = [int(sizes[batch].max()) for batch in found]
    assert tops == sorted(tops, reverse=True)
    assert all(a.min() >= b.max() for a, b in zip([sizes[x] for x in found], [sizes[x] for x in found][1:], strict=False))


def test_a_batch_is_as_full_as_its_budget_allows():
    assert [list(b) for b in batches(np.array([5, 9, 5, 4, 1], dtype=np.int32), np.arange(5), 10, 3)] == [[1], [0, 2], [3, 4]]


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=1, max_size=60), st.integers(1, 300), st.integers(1, 20))
def test_what_is_alike_stands_together_among_inputs_of_about_one_length(inputs, tokens, rows):
    sizes, alike = (np.array(column, dtype=kind) for column, kind in zip(zip(*inputs, strict=True), (np.int32, np.int64), strict=True))
    found = batches(sizes, np.arange(len(inputs)), tokens, rows, alike)
    order = [int(place) for batch in found for place in batch]
    assert sorted(order) == list(range(len(inputs)))
    steps = [(-(-int(sizes[place]) // STEP), int(alike[place])) for place in order]
    assert steps == sorted(steps, key=lambda one: (-one[0], one[1]))
    assert all(len(batch) <= rows and (len(batch) == 1 or int(sizes[batch].max()) * len(batch) <= tokens) for batch in found)


@given(st.integers(0, 30), st.data())
def test_answers_find_their_inputs_again(inputs, data):
    order = data.draw(st.permutations(range(inputs)))
    asked = [place for place in order if data.draw(st.booleans())]
    cuts = sorted({0, len(asked), *data.draw(st.lists(st.integers(0, len(asked)), max_size=4))})
    ran = [np.array(asked[a:b], dtype=np.int64) for a, b in zip(cuts, cuts[1:], strict=False)]
    answers = [pa.array([int(place) * 10 for place in some], pa.int64()) for some in ran]
    expected = [place * 10 if place in asked else None for place in range(inputs)]
    assert restored(answers, ran, inputs, pa.int64()).to_pylist() == expected
