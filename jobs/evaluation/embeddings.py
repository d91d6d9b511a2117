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
from jobs.evaluation.teacher import Judgement
from models.columns import vectors_of
from models.embedding_batches import JUDGED, KIND, LEARNT, NEGATIVES, PAIRS, K, recall
from schemas.embeddings import NAMES, TASKS, VECTORS
from udfs.engine import alone
from udfs.engine.task import Asking
from udfs.joint import ASKS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
MOST_PAIRS, MOST_ENTITIES = 4_000, 10_000
"""Pairs of a task, and entities of a kind, by which a model is judged at most."""


@dataclass(frozen=True)
class Task:
    """Pairs of one task, and the candidates among which the entities of theirs are looked for."""

    queries: pa.Array
    candidates: pa.Table
    keys: Ints
    """The place of each pair's entity among the candidates."""


def judging(rows: Path) -> dict[str, Task]:
    """What a model is judged by, by task: pairs behind the gap, their entities and as many random ones as there are; PinlakeError where
    nobody engaged with anything then."""
    pairs = ds.dataset(rows / PAIRS).to_table(filter=pc.field("split") == JUDGED)
    drawn = ds.dataset(rows / NEGATIVES).to_table()
    drawn = drawn.filter(pc.field("split") == (JUDGED if pc.any(pc.equal(drawn["split"], JUDGED)).as_py() else LEARNT))
    found = {}
    for task in TASKS:
        own = pairs.filter(pc.field("task") == task).sort_by([("query_id", "ascending"), ("key_id", "ascending")]).slice(0, MOST_PAIRS)
        if len(own):
            found[task] = _task(task, own, drawn.filter(pc.field("entity_type") == KIND[task]), pairs)
    if not found:
        raise PinlakeError("no pair in the days behind the gap: nothing to judge a model by")
    return found


def _task(task: str, own: pa.Table, drawn: pa.Table, pairs: pa.Table) -> Task:
    columns = ["key", "key_id", *NAMES, *VECTORS]
    if task == "query_query":  # all queries that were asked or followed
        asked = pairs.select(["query", "query_id"]).rename_columns(["key", "key_id"])
        rest = pa.concat_tables([asked, own.select(["key", "key_id"])])
        every = pa.concat_tables([own.select(columns), rest], promote_options="default")
    else:
        every = pa.concat_tables([own.select(columns), drawn.select(columns[1:])], promote_options="default")
    ids = every["key_id"].to_numpy()
    first = np.sort(np.unique(ids, return_index=True)[1])[:MOST_ENTITIES]
    order = np.argsort(ids[first], kind="stable")
    keys = order[np.searchsorted(ids[first], own["key_id"].to_numpy(), sorter=order)]
    return Task(own["query"].combine_chunks(), every.take(pa.array(first)), keys)


def recalls(tasks: Mapping[str, Task], asking: Asking, say: Callable[[str], None]) -> dict[str, float]:
    """recall@10 of a model by task."""
    found = {}
    for task, one in tasks.items():
        queries = _vectors(asking, {"query": one.queries}, len(one.queries))
        of = {"query": one.candidates["key"]} if task == "query_query" else {name: one.candidates[name] for name in (*NAMES, *VECTORS)}
        found[task] = recall(queries, _vectors(asking, of, len(one.candidates)), one.keys)
        say(f"recall@{K} of {len(one.queries)} pairs of {task} among {len(one.candidates)}: {found[task]:.3f}")
    return found


def _vectors(asking: Asking, given: Mapping[str, pa.Array | pa.ChunkedArray], rows: int) -> Floats:
    """The model's vectors, (n, width); zeros where it has none."""
    columns = []
    for name in ASKS:
        kind = pa.binary() if name in VECTORS else pa.string()
        column = given.get(name, pa.nulls(rows, kind))
        columns.append((column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).cast(kind))
    found, _, _ = alone.answers(asking, columns)
    return np.nan_to_num(vectors_of(found)).astype(np.float32)


def word_match(tasks: Mapping[str, Task]) -> dict[str, float]:
    """recall@10 of BM25 (bm25s, its Lucene variant) over all fields, by task."""
    import bm25s

    found = {}
    for task, one in tasks.items():
        names = ["key"] if task == "query_query" else list(NAMES)
        texts = pc.binary_join_element_wise(*(one.candidates[name].combine_chunks().fill_null("") for name in names), " ").to_pylist()
        index = bm25s.BM25()
        index.index(bm25s.tokenize(texts, stopwords=None, show_progress=False, return_ids=False), show_progress=False)
        asked = one.queries.dictionary_encode()
        words = bm25s.tokenize(asked.dictionary.to_pylist(), stopwords=None, show_progress=False, return_ids=False)
        own = asked.indices.to_numpy()
        hits = 0
        for place, tokens in enumerate(words):  # a query's scores of all texts, and where its pairs' are among them
            known = [token for token in tokens if token in index.vocab_dict]
            if known:
                scores = index.get_scores(known)
                theirs = scores[one.keys[own == place]]
                hits += int((((scores >= theirs[:, None]).sum(1) <= K) & (theirs > 0)).sum())
        found[task] = hits / len(one.queries)
    return found


def measures(rows: Path, asking: Asking, say: Callable[[str], None]) -> dict[str, Any]:
    """{mean_recall, recall, bm25, pairs} of a model on pairs behind the gap, by task."""
    tasks = judging(rows)
    found = recalls(tasks, asking, say)
    return {
        "mean_recall": float(np.mean(list(found.values()))),
        "recall": found,
        "bm25": word_match(tasks),
        "pairs": {task: len(one.queries) for task, one in tasks.items()},
        "candidates": {task: len(one.candidates) for task, one in tasks.items()},
    }


def judged(rows: Path, new: Mapping[str, Any], old: Asking | None, encoder: Path, say: Callable[[str], None]) -> Judgement:
    """A new model beside the one that counts, or beside word match where none does: with a lower mean recall it is not promoted."""
    if old is None:
        name, theirs = "word match (BM25)", float(np.mean(list(new["bm25"].values())))
    else:
        name, theirs = "the model that counts", float(np.mean(list(recalls(judging(rows), old, say).values())))
    ours = new["mean_recall"]
    why = f"mean recall@{K} {ours:.3f} on {sum(new['pairs'].values())} pairs behind the gap, {name} {theirs:.3f}"
    better = bool(ours >= theirs)
    return Judgement(better, why if better else f"worse: {why}", {"mean_recall": ours, "compared_with": theirs})
