"""recall@10 of what people engaged with: by vectors, by words, by embeddings that exist already; against plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.errors import PinlakeError
from jobs.evaluation import embeddings as evaluation
from schemas.embeddings import NAMES, VECTORS, WIDTH

KINDS = {name: pa.string() for name in NAMES} | {name: pa.binary() for name in VECTORS}


def half(*numbers: float) -> bytes:
    return np.pad(np.array(numbers, "<f2"), (0, WIDTH - len(numbers))).tobytes()


def rows(some: list[dict[str, Any]], **more: pa.DataType) -> pa.Table:
    ids = {"key_id": pa.int64(), "key": pa.string()}
    return pa.Table.from_pylist(some, pa.schema([*ids.items(), *KINDS.items(), *more.items()]))


def pairs(some: list[dict[str, Any]], **more: pa.DataType) -> pa.Table:
    asked = {"task": pa.string(), "query": pa.string(), "query_id": pa.int64(), "action": pa.string()}
    return rows([{"task": "query_pin", "action": "save", **one} for one in some], **asked, **more)


DRAWN = [
    {"key_id": n, "key": f"p{n}", "image_caption": f"a {word}", "graphs": half(n, 1)} for n, word in enumerate("lamp soup chair".split())
]


def task(**more: Any) -> evaluation.Task:
    asked = [{"query": "lamp", "query_id": 1, **DRAWN[0]}, {"query": "sofa", "query_id": 2, **DRAWN[1]}]
    return evaluation.task_of("query_pin", pairs(asked), rows(DRAWN), pairs(asked), 100)


def test_candidates_are_each_once_and_pairs_point_to_theirs() -> None:
    one = task()
    assert one.candidates["key"].to_pylist() == ["p0", "p1", "p2"]
    assert one.keys.tolist() == [0, 1]
    few = evaluation.task_of("query_pin", one.pairs, rows(DRAWN), one.pairs, 1)
    assert few.candidates["key"].to_pylist() == ["p0", "p1"], "a pair's own is there, however few are wanted"


def test_words_find_what_shares_one_and_nothing_else() -> None:
    assert evaluation.found_by_words("query_pin", task()).tolist() == [True, False]


def test_vectors_find_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "K", 1)

    def read(given: Any, n: int) -> evaluation.Floats:
        texts = (given.get("query") or given["image_caption"]).to_pylist()
        return np.array([[1.0, 0.0] if "lamp" in text else [0.0, 1.0] for text in texts], np.float32)

    assert evaluation.found_by("query_pin", task(), read).tolist() == [True, True]


def test_existing_embeddings_are_searched_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "K", 1)
    one = task()

    def read(given: Any, n: int) -> evaluation.Floats:
        return np.pad(np.array([[0.0, 1.0]], np.float32), ((0, 0), (0, WIDTH - 2))).repeat(n, 0)

    assert evaluation.found_among_existing("query_pin", one, read).tolist() == [True, False], "both queries are nearest to p0"
    lacking = evaluation.Task(one.pairs, rows([{**DRAWN[0], "graphs": None}, *DRAWN[1:]]), one.keys)
    assert evaluation.found_among_existing("query_pin", lacking, read).tolist() == [False, True]
    assert not evaluation.found_among_existing("query_pin", one, lambda given, n: read(given, n)[:, :16]).any()


def test_search_embeddings_of_others_are_a_baseline_where_pairs_have_both() -> None:
    vector = pa.list_(pa.float32())
    assert evaluation.found_by_search_vectors(task()) is None
    drawn = [{**row, "search_vector": [float(n), 1.0] if n != 1 else None} for n, row in enumerate(DRAWN)]
    asked = [{"query": "lamp", "query_id": 1, "query_vector": [0.0, 1.0], **drawn[0]}, {"query": "soup", "query_id": 2, **drawn[1]}]
    own = pairs(asked, search_vector=vector, query_vector=vector)
    one = evaluation.task_of("query_pin", own, rows(drawn, search_vector=vector), own, 100)
    found = evaluation.found_by_search_vectors(one)
    assert found is not None
    assert found.tolist() == [True, False]


def test_recall_and_its_interval_are_told_by_system_and_part() -> None:
    asked = [{"query": f"q{n // 4}", "query_id": n // 4, "action": "save" if n % 2 else "long_click", **DRAWN[n % 3]} for n in range(80)]
    one = evaluation.task_of("query_pin", pairs(asked), rows(DRAWN), pairs(asked), 100)
    ours, theirs = np.arange(80) % 4 > 0, np.zeros(80, bool)
    told = evaluation.evaluated("query_pin", one, {"ours": ours, "theirs": theirs})
    recall = told["systems"]["ours"]["recall@10"]
    assert (recall.value, told["pairs"], told["queries"]) == (0.75, 80, 20)
    assert recall.lower == recall.upper == 0.75, "every query has three of four"
    assert told["differences"]["theirs"]["recall@10"].value == 0.75
    assert told["slices"]["action=save"]["recall@10"].value == 1.0
    assert told["slices"]["action=long_click"]["recall@10"].value == 0.5


def test_nothing_to_judge_by_is_said() -> None:
    with pytest.raises(PinlakeError, match="nothing to judge a model by"):
        evaluation.tasks_of(pairs([]), rows([], entity_type=pa.string()), 10, 10)
