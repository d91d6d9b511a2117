"""Queries of entities' own words: of the row that they name, a few words that stand together or an item of a list."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from models.own_words import LISTS, LONGEST, SAID, WORDS, own_words
from schemas.embeddings import NAMES

texts = st.none() | st.text("ab ,\n\t猫é", max_size=80)
rows = st.lists(st.dictionaries(st.sampled_from(NAMES), texts, max_size=4), min_size=1, max_size=6)


def table(some: list[dict[str, str | None]]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in some], pa.string()) for name in NAMES})


@given(rows, st.integers(0, 40))
def test_every_query_stands_in_a_field_of_its_row(some: list[dict[str, str | None]], most: int) -> None:
    queries, places = own_words(table(some), most, 3)
    assert len(queries) == len(places) <= most
    for query, place in zip(queries, places, strict=True):
        assert query.strip() == query != ""
        assert len(query) <= LONGEST
        said = [some[place].get(name) or "" for name in SAID]
        assert any(query in " ".join(text.split()) or query in text for text in said)


@given(rows)
def test_the_same_seed_draws_the_same(some: list[dict[str, str | None]]) -> None:
    (first, at), (second, again) = own_words(table(some), 20, 7), own_words(table(some), 20, 7)
    assert first == second
    assert np.array_equal(at, again)


def test_lists_give_whole_items_and_texts_a_few_words() -> None:
    lists = table([dict.fromkeys(LISTS, "red lamp, blue lamp, old red chair")])
    assert set(own_words(lists, 200, 1)[0]) == {"red lamp", "blue lamp", "old red chair"}
    words = own_words(table([{"title": "one two three four five six"}]), 300, 1)[0]
    assert {len(query.split()) for query in words} == set(range(1, WORDS + 1))
    assert {query.split()[0] for query in words} >= {"one", "six"}


def test_addresses_are_not_asked_for_and_silent_rows_are_left_out() -> None:
    some = table([{"links": "https://a.example/x", "domain": "a.example"}, {"title": "lamp"}])
    queries, places = own_words(some, 20, 1)
    assert set(queries) == {"lamp"}
    assert set(places) == {1}
    assert own_words(some.slice(0, 1), 20, 1)[0] == []
