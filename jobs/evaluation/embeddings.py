"""How well the joint embedding finds what people engage with: recall@10 behind the gap, beside word match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.errors import PinlakeError
from jobs.evaluation import word_match
from jobs.evaluation.relevance import RESAMPLED, Measured
from jobs.evaluation.teacher import LEAST, Judgement
from models.columns import vectors_of
from models.embedding_batches import JUDGED, LEARNT, K
from models.embedding_training import EXISTING_OF
from models.encoder import Encoder
from models.nearest import hits
from models.omnisearchsage import EXISTING, existing_vectors
from schemas.embeddings import NAMES, NEGATIVES, PAIRS, TASKS, VECTORS
from udfs.engine import alone
from udfs.engine.task import Asking
from udfs.joint import ASKS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Hits = npt.NDArray[np.bool_]
SLICES = ("action", "language", "country", "popularity")
"""Columns of pairs by which recall is told apart."""
MOST_PAIRS, MOST_ENTITIES = 4_000, 10_000
"""Pairs of a task, and entities of a kind, by which a model is judged at most."""


@dataclass(frozen=True)
class Task:
    """Pairs of one task, and the candidates among which the entities of theirs are looked for."""

    pairs: pa.Table
    """query, action, and what parts are made by, a row a pair."""
    candidates: pa.Table
    """key, NAMES, VECTORS, a row a candidate."""
    keys: Ints
    """The place of each pair's entity among the candidates."""


def judging(rows: Path) -> dict[str, Task]:
    """What a model is judged by, by task: pairs behind the gap, their entities and as many random ones as there are; PinlakeError where
    nobody engaged with anything then."""
    pairs = ds.dataset(rows / PAIRS).to_table(filter=pc.field("split") == JUDGED)
    drawn = ds.dataset(rows / NEGATIVES).to_table()
    drawn = drawn.filter(pc.field("split") == (JUDGED if pc.any(pc.equal(drawn["split"], JUDGED)).as_py() else LEARNT))
    return tasks_of(pairs, drawn, MOST_PAIRS, MOST_ENTITIES)


def tasks_of(pairs: pa.Table, drawn: pa.Table, most_pairs: int, most_entities: int) -> dict[str, Task]:
    """Pairs by their task with the candidates of each; PinlakeError where there are none."""
    found = {}
    for task in TASKS:
        own = pairs.filter(pc.field("task") == task).sort_by([("query_id", "ascending"), ("key_id", "ascending")]).slice(0, most_pairs)
        if len(own):
            found[task] = task_of(task, own, drawn.filter(pc.field("entity_type") == TASKS[task]), pairs, most_entities)
    if not found:
        raise PinlakeError("no pair in the days behind the gap: nothing to judge a model by")
    return found


def task_of(task: str, own: pa.Table, drawn: pa.Table, pairs: pa.Table, most: int) -> Task:
    """Pairs of one task, and its candidates: their entities, and so many of all in all as were drawn of their kind; of query_query all
    queries of `pairs`."""
    columns = ["key", "key_id", *NAMES, *VECTORS, *(name for name in ("search_vector",) if name in pairs.column_names)]
    if task == "query_query":  # all queries that were asked
        searched = {"query_vector": "search_vector"} if "query_vector" in pairs.column_names else {}
        drawn = pairs.select(["query", "query_id", *searched]).rename_columns(["key", "key_id", *searched.values()])
    every = pa.concat_tables(
        [own.select(columns), drawn.select([name for name in columns if name in drawn.column_names])], promote_options="default"
    )
    ids = every["key_id"].to_numpy()
    first = np.sort(np.unique(ids, return_index=True)[1])
    first = first[: max(most, int((first < len(own)).sum()))]
    order = np.argsort(ids[first], kind="stable")
    keys = order[np.searchsorted(ids[first], own["key_id"].to_numpy(), sorter=order)]
    return Task(own, every.take(pa.array(first)), keys)


Read = Callable[[Mapping[str, pa.ChunkedArray], int], Floats]
"""Columns of ASKS that are known of so many rows, to vectors."""


def asked_alone(asking: Asking) -> Read:
    """How a model is asked in this process, where it is loaded once."""
    ask = alone.asker(asking)

    def read(given: Mapping[str, pa.ChunkedArray], rows: int) -> Floats:
        columns = []
        for name in ASKS:
            kind = pa.binary() if name in VECTORS else pa.string()
            column = given.get(name, pa.nulls(rows, kind))
            columns.append((column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).cast(kind))
        found, _, _ = ask(columns, lambda rows: None)
        return np.nan_to_num(vectors_of(found, found.type.list_size)).astype(np.float32)  # zeros where the model has none

    return read


def _queries(one: Task, read: Read) -> Floats:
    """The vector of each pair's query; a query is read once."""
    asked = one.pairs["query"].combine_chunks().dictionary_encode()
    return read({"query": pa.chunked_array([asked.dictionary])}, len(asked.dictionary))[asked.indices.to_numpy()]


def found_by(task: str, one: Task, read: Read) -> Hits:
    """Which pairs' entities are among the ten nearest of their query by the model's vectors."""
    of = {"query": one.candidates["key"]} if task == "query_query" else {name: one.candidates[name] for name in (*NAMES, *VECTORS)}
    return hits(_queries(one, read), read(of, len(one.candidates)), one.keys, K)


def found_among_existing(task: str, one: Task, read: Read) -> Hits:
    """The same among embeddings that exist already, of those candidates that have one; a pair whose entity has none is not found."""
    name = EXISTING_OF[TASKS[task]]
    vectors, queries = existing_vectors(one.candidates[name], EXISTING[name]), _queries(one, read)
    if queries.shape[1] != vectors.shape[1]:  # another space
        return np.zeros(len(one.pairs), bool)
    known = np.asarray(vectors.any(axis=1))
    return _hits_among(queries, vectors[known], known, one.keys)


def found_by_search_vectors(one: Task) -> Hits | None:
    """The same by embeddings for search that exist already of queries and entities: None where no pair has both, a pair without is not
    found."""
    if not {"query_vector", "search_vector"} <= {*one.pairs.column_names, *one.candidates.column_names}:
        return None
    asked, own = one.pairs["query_vector"], one.candidates["search_vector"]
    widths = {len(column.drop_null()[0]) for column in (asked, own) if len(column.drop_null())}
    known = np.asarray(own.is_valid())
    have = np.asarray(asked.is_valid()) & known[one.keys]
    if not have.any() or len(widths) != 1:
        return None
    found = np.zeros(len(one.pairs), bool)
    found[have] = _hits_among(_units(asked.filter(pa.array(have))), _units(own.drop_null()), known, one.keys[have])
    return found


def _hits_among(queries: Floats, vectors: Floats, known: Hits, keys: Ints) -> Hits:
    """Hits among the candidates that are known, of which the vectors are; a pair whose entity is none of them is not found."""
    return hits(queries, vectors, np.where(known, np.cumsum(known) - 1, -1)[keys], K) & known[keys]


def _units(column: pa.ChunkedArray) -> Floats:
    vectors = vectors_of(column.combine_chunks()).astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def texts_of(task: str, one: Task) -> list[str]:
    """All words of each candidate, field after field."""
    names = ["key"] if task == "query_query" else list(NAMES)
    found: list[str] = pc.binary_join_element_wise(
        *(one.candidates[name].combine_chunks().fill_null("") for name in names), " "
    ).to_pylist()
    return found


def found_by_words(task: str, one: Task) -> Hits:
    """The same by BM25 over all fields; a candidate without a word of the query is not found."""
    asked = one.pairs["query"].combine_chunks().dictionary_encode()
    query_of, found = asked.indices.to_numpy(), np.zeros(len(one.pairs), bool)
    for place, said in enumerate(word_match.scores(texts_of(task, one), asked.dictionary.to_pylist())):
        own = query_of == place
        theirs = said[one.keys[own]]
        found[own] = ((said > theirs[:, None]).sum(1) < K) & (theirs > 0)
    return found


def found_by_encoder(task: str, one: Task, encoder: Encoder) -> Hits:
    """The same by an encoder that knows nothing of engagement, over all fields as one text."""
    asked = one.pairs["query"].combine_chunks().dictionary_encode()
    queries = encoder.all_vectors(asked.dictionary.to_pylist(), "query")
    texts = encoder.all_vectors(texts_of(task, one), "document")
    return hits(queries[asked.indices.to_numpy()], texts, one.keys, K)


def measures(rows: Path, asking: Asking, say: Callable[[str], None]) -> dict[str, Any]:
    """{mean_recall, recall, bm25, pairs, candidates} of a model on pairs behind the gap, by task."""
    tasks = judging(rows)
    found = recalls(tasks, asking, say)
    return {
        "mean_recall": _mean(found),
        "recall": found,
        "bm25": {task: float(found_by_words(task, one).mean()) for task, one in tasks.items()},
        "pairs": {task: len(one.pairs) for task, one in tasks.items()},
        "candidates": {task: len(one.candidates) for task, one in tasks.items()},
    }


def recalls(tasks: Mapping[str, Task], asking: Asking, say: Callable[[str], None]) -> dict[str, float]:
    """recall@10 of a model by task."""
    read, found = asked_alone(asking), {}
    for task, one in tasks.items():
        found[task] = float(found_by(task, one, read).mean())
        say(f"recall@{K} of {len(one.pairs)} pairs of {task} among {len(one.candidates)}: {found[task]:.3f}")
    return found


def judged(rows: Path, new: Mapping[str, Any], old: Asking | None, encoder: Path, say: Callable[[str], None]) -> Judgement:
    """A new model beside the one that counts, or beside word match where none does: with a lower mean recall it is not promoted."""
    if old is None:
        name, theirs = "word match (BM25)", _mean(new["bm25"])
    else:
        name, theirs = "the model that counts", _mean(recalls(judging(rows), old, say))
    ours = new["mean_recall"]
    why = f"mean recall@{K} {ours:.3f} on {sum(new['pairs'].values())} pairs behind the gap, {name} {theirs:.3f}"
    better = bool(ours >= theirs)
    return Judgement(better, why if better else f"worse: {why}", {"mean_recall": ours, "compared_with": theirs})


def _mean(found: Mapping[str, float]) -> float:
    return float(np.mean(list(found.values())))


def evaluated(task: str, one: Task, systems: Mapping[str, Hits]) -> dict[str, Any]:
    """{pairs, queries, candidates, lead, systems, differences, slices} of a task, as jobs/evaluation/teacher.py tells data sets: recall@10
    with intervals over resampled queries, and that of the first system by part."""
    lead, *others = systems
    query = one.pairs["query"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    metric = f"recall@{K}"
    found: dict[str, Any] = {
        "pairs": len(query),
        "queries": len(np.unique(query)),
        "candidates": len(one.candidates),
        "lead": lead,
        "systems": {name: {metric: _measured(own.astype(float), query)} for name, own in systems.items()},
        "differences": {name: {metric: _measured(systems[lead].astype(float) - systems[name], query)} for name in others},
        "slices": {},
    }
    for name in SLICES:
        if name in one.pairs.column_names:
            values = pc.fill_null(one.pairs[name], "unknown")
            for value in sorted(pc.unique(values).to_pylist()):
                own = np.asarray(pc.equal(values, value)).astype(bool)
                if LEAST <= own.sum() < len(own):
                    found["slices"][f"{name}={value}"] = {metric: _measured(systems[lead][own].astype(float), query[own])}
    return found


def _measured(values: npt.NDArray[np.float64], query: Ints) -> Measured:
    """The mean over pairs, and its interval over resampled queries."""
    _, codes = np.unique(query, return_inverse=True)
    sums, counts = np.bincount(codes, values), np.bincount(codes)
    drawn = np.random.default_rng(1).multinomial(len(sums), [1 / len(sums)] * len(sums), size=RESAMPLED)
    low, high = np.quantile(drawn @ sums / np.maximum(drawn @ counts, 1), (0.025, 0.975))
    return Measured(float(values.mean()), len(values), float(low), float(high))
