"""What the joint embedding is trained with: batches of several tasks at once, and validation pairs that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.bags import Vocabulary
from models.loader import Loader, parquet
from models.nearest import hits
from models.omnisearchsage import Entities, OmniSearchSage, entities
from models.recipe import EmbeddingRecipe
from models.specs import ModelError
from schemas.embeddings import GRAMS, NAMES, NEGATIVES, PAIRS, TASKS, VECTORS

LEARNT, LOOKED_AT, JUDGED = "train", "validation", "test"
"""Splits of pairs: those learnt from, those that are looked at meanwhile, and those of the days behind the gap, by which the outcome is
judged. Random entities are learnt or judged."""
MOST = 20_000
"""Validation pairs, and entities among which theirs are looked for, at most."""
K = 10
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """A step: distinct queries and entities, and where those of each task's pairs are."""

    queries: Sequence[str]
    entities: Entities
    met: Mapping[str, tuple[Ints, Ints, Ints, Ints, Ints, Ints]]
    """By task: places of queries, of positives and of negatives, among queries for query_query and else among entities; and their ids."""


class Steps:
    """The batches of a training, without end; `state_dict` says where it stands."""

    def __init__(self, rows: Path, recipe: EmbeddingRecipe, vocabulary: Vocabulary, rank: int, ranks: int) -> None:
        pairs, negatives = parquet(rows / PAIRS), parquet(rows / NEGATIVES)
        self.vocabulary, self.recipe, self.rank, self.step = vocabulary, recipe, rank, 0
        counts = {task: pairs.count_rows(filter=_learnt(task)) for task in TASKS}
        self.pairs = sum(counts.values())
        if not self.pairs:
            raise ModelError("no pair to learn from: there are too few days before the gap, or nobody engaged with anything")
        self.loaders: dict[str, Loader] = {}
        share = recipe.batch_size / self.pairs / ranks
        order: dict[str, Any] = {"seed": recipe.seed, "rank": rank, "ranks": ranks}
        for task in (task for task, n in counts.items() if n):
            size = min(max(2, round(counts[task] * share)), max(1, counts[task] // ranks))
            columns = ["query", "query_id", "key", "key_id", *(() if task == "query_query" else (*NAMES, *VECTORS))]
            self.loaders[task] = Loader(pairs, columns, size, where=_learnt(task), **order)
        for kind in ("pin", "product"):
            met = [self.loaders[task].batch_size for task in TASKS if task in self.loaders and TASKS[task] == kind]
            wanted = sum(met) * recipe.negatives
            where = (pc.field("entity_type") == kind) & (pc.field("split") == LEARNT)
            if wanted and (have := negatives.count_rows(filter=where)):
                size = max(1, min(wanted, have // ranks))
                self.loaders[kind] = Loader(negatives, ["key_id", *NAMES, *VECTORS], size, where=where, **order)
        asked = pairs.to_table(columns=["query", "query_id"], filter=pc.field("split") == LEARNT)
        distinct = asked.group_by(["query", "query_id"]).aggregate([]).sort_by("query_id")
        self.asked = distinct["query"].to_pylist(), distinct["query_id"].to_numpy()
        self._endless = {name: _endless(loader) for name, loader in self.loaders.items()}

    def state_dict(self) -> dict[str, Any]:
        """Where each loader stands, the same in all processes."""
        return {"loaders": {name: one.state_dict() for name, one in self.loaders.items()}, "step": self.step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state_dict` was taken."""
        for name, one in self.loaders.items():
            one.load_state_dict(state["loaders"][name])
        self.step = state["step"]
        self._endless = {name: _endless(loader) for name, loader in self.loaders.items()}

    def __next__(self) -> Batch:
        read = {name: next(batches) for name, batches in self._endless.items()}
        luck, self.step = np.random.default_rng((self.recipe.seed, self.rank, self.step)), self.step + 1
        tasks = [task for task in TASKS if task in read]
        texts, entities_read, ids = _Distinct(), _Distinct(), dict[str, tuple[Ints, Ints, Ints]]()
        for kind in ("pin", "product"):
            if kind in read:
                entities_read.add(f"random {kind}", read[kind]["key_id"].numpy(), read[kind])
        for task in tasks:
            one, query_ids, key_ids = read[task], read[task]["query_id"].numpy(), read[task]["key_id"].numpy()
            texts.add(f"{task} asked", query_ids, {"query": one["query"]})
            if task == "query_query":
                drawn = luck.integers(len(self.asked[0]), size=len(query_ids) * self.recipe.negatives)
                other_ids = self.asked[1][drawn]
                texts.add(task, key_ids, {"query": one["key"]})
                texts.add("random query", other_ids, {"query": [self.asked[0][n] for n in drawn]})
            else:
                entities_read.add(task, key_ids, one)
                other_ids = read[TASKS[task]]["key_id"].numpy() if TASKS[task] in read else np.zeros(0, np.int64)
            ids[task] = (query_ids, key_ids, other_ids)
        asked_at, found_at = texts.places(), entities_read.places()
        met = {}
        for task in tasks:
            among = asked_at if task == "query_query" else found_at
            others = among.get(f"random {TASKS[task]}", np.zeros(0, np.int64))
            met[task] = (asked_at[f"{task} asked"], among[task], others, *ids[task])
        return Batch(texts.column("query", pa.string()).to_pylist(), _entities(self.vocabulary, entities_read), met)


class _Distinct:
    """Rows of several parts, told apart by their ids: each distinct one is read once."""

    def __init__(self) -> None:
        self._ids: dict[str, Ints] = {}
        self._columns: list[Mapping[str, Any]] = []

    def add(self, name: str, ids: Ints, columns: Mapping[str, Any]) -> None:
        """One more part, and what its rows hold."""
        self._ids[name] = ids
        self._columns.append(columns)

    def places(self) -> dict[str, Ints]:
        """By part, the place of each row among the distinct ones."""
        if not self._ids:
            return {}
        at = np.unique(np.concatenate(list(self._ids.values())), return_inverse=True)[1]
        return dict(zip(self._ids, np.split(at, np.cumsum([len(ids) for ids in self._ids.values()])[:-1]), strict=True))

    def column(self, name: str, kind: pa.DataType) -> pa.Array:
        """A column of the distinct rows, in the order of their ids."""
        if not self._ids:
            return pa.array([], kind)
        first = np.unique(np.concatenate(list(self._ids.values())), return_index=True)[1]
        return pa.concat_arrays([_arrow(part[name], kind) for part in self._columns]).take(pa.array(first))


def _arrow(values: Any, kind: pa.DataType) -> pa.Array:
    return values.combine_chunks().cast(kind) if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)


KINDS = {name: pa.binary() if name in VECTORS else pa.string() for name in (*NAMES, *VECTORS)}


def _entities(vocabulary: Vocabulary, rows: _Distinct) -> Entities:
    return entities(vocabulary, {name: rows.column(name, kind) for name, kind in KINDS.items()})


def entities_of(vocabulary: Vocabulary, rows: pa.Table) -> Entities:
    """The rows of a table with NAMES and VECTORS as the network reads them."""
    return entities(vocabulary, {name: _arrow(rows[name], kind) for name, kind in KINDS.items()})


def _learnt(task: str) -> Any:
    return (pc.field("task") == task) & (pc.field("split") == LEARNT)


def _endless(loader: Loader) -> Iterator[dict[str, Any]]:
    while True:
        yield from loader


@dataclass(frozen=True)
class Looked:
    """Validation pairs by task: vectors are made anew at each look, what they are made of is kept."""

    queries: Sequence[str]
    entities: Entities
    pairs: Mapping[str, tuple[Ints, Ints, Ints]]
    """By task: the place of each pair's query, the candidates' places among the entities (of query_query among the queries), and which of
    the candidates is the pair's."""

    @classmethod
    def of(cls, rows: Path, vocabulary: Vocabulary) -> Looked:
        """The validation pairs, and entities drawn at random among which theirs are to be found."""
        pairs = parquet(rows / PAIRS).to_table(filter=pc.field("split") == LOOKED_AT)
        pairs = pairs.sort_by([(name, "ascending") for name in ("task", "query_id", "key_id")]).slice(0, MOST)
        drawn = parquet(rows / NEGATIVES).to_table(filter=pc.field("split") == LEARNT).sort_by("key_id").slice(0, MOST)
        by_task = {task: own for task in TASKS if len(own := pairs.filter(pc.field("task") == task))}
        texts, read = _Distinct(), _Distinct()
        for kind in ("pin", "product"):
            own = drawn.filter(pc.field("entity_type") == kind)
            read.add(f"random {kind}", own["key_id"].to_numpy(), _columns(own, *NAMES, *VECTORS))
        for task, own in by_task.items():
            texts.add(f"{task} asked", own["query_id"].to_numpy(), _columns(own, "query"))
            if task == "query_query":
                texts.add(task, own["key_id"].to_numpy(), {"query": own["key"]})
            else:
                read.add(task, own["key_id"].to_numpy(), _columns(own, *NAMES, *VECTORS))
        asked_at, found_at = texts.places(), read.places()
        placed = {}
        for task in by_task:
            among = asked_at if task == "query_query" else found_at
            others = [at for name, at in among.items() if name == f"random {TASKS[task]}" or TASKS.get(name) == TASKS[task]]
            candidates = np.unique(np.concatenate(others))
            placed[task] = (asked_at[f"{task} asked"], candidates, np.searchsorted(candidates, among[task]))
        return cls(texts.column("query", pa.string()).to_pylist(), _entities(vocabulary, read), placed)

    @property
    def counts(self) -> dict[str, int]:
        """Validation pairs by task."""
        return {task: len(keys) for task, (_, _, keys) in self.pairs.items()}

    def recall(self, model: OmniSearchSage) -> dict[str, float]:
        """recall@10 by task: the share of pairs whose entity is among the ten nearest of its query."""
        if not self.pairs:
            return {}
        queries, found = model.of_queries(self.queries), model.of_entities(self.entities)
        of = {task: queries if task == "query_query" else found for task in self.pairs}
        return {task: float(hits(queries[asked], of[task][among], keys, K).mean()) for task, (asked, among, keys) in self.pairs.items()}


def _columns(rows: pa.Table, *names: str) -> dict[str, pa.ChunkedArray]:
    return {name: rows[name] for name in names}


def vocabulary_of(folder: Path) -> Vocabulary:
    """The vocabulary of a lesson: tokens by kind in the order of their idx."""
    rows = parquet(folder).to_table().sort_by("idx")
    return Vocabulary({gram: rows.filter(pc.field("gram") == gram)["token"].to_pylist() for gram in GRAMS})
