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
from models.omnisearchsage import Entities, OmniSearchSage, entities
from models.recipe import EmbeddingRecipe
from models.specs import ModelError
from schemas.embeddings import GRAMS, NAMES, TASKS, VECTORS

PAIRS, NEGATIVES, VOCABULARY = "pairs", "negatives", "vocabulary"
"""The parts of a lesson, each a folder of Parquet: (task, split, query, query_id, key, key_id, NAMES, VECTORS), (entity_type, split,
key_id, NAMES, VECTORS) and (gram, token, idx). The key of query_query is a query, whose NAMES and VECTORS are null."""
LEARNT, LOOKED_AT, JUDGED = "train", "validation", "test"
"""Splits of pairs: those learnt from, those that are looked at meanwhile, and those of the days behind the gap, by which the outcome is
judged. Random entities are learnt or judged."""
KIND = {"query_pin": "pin", "query_product": "product", "query_product_offsite": "product", "query_query": "query"}
"""What a task's queries lead to."""
MOST = 20_000
"""Validation pairs, and entities among which theirs are looked for, at most."""
K = 10
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


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
            met = [self.loaders[task].batch_size for task in TASKS if task in self.loaders and KIND[task] == kind]
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

    @property
    def dice(self) -> int:
        """A seed for what is drawn in the step, such as dropout: its own in each process, the same where a killed run takes it again."""
        return (self.recipe.seed * 1_009 + self.rank) * 1_000_003 + self.step

    def __next__(self) -> Batch:
        read = {name: next(batches) for name, batches in self._endless.items()}
        luck, self.step = np.random.default_rng((self.recipe.seed, self.rank, self.step)), self.step + 1
        queries, texts = _Places(), list[str]()
        found = _Places()
        parts: list[dict[str, Any]] = []
        met = {}
        random: dict[str, Ints] = {
            kind: found.of(read[kind]["key_id"].numpy(), parts, read[kind]) for kind in ("pin", "product") if kind in read
        }
        for task in (task for task in TASKS if task in read):
            one = read[task]
            asked, asked_ids = queries.named(one["query_id"].numpy(), one["query"], texts), one["query_id"].numpy()
            key_ids = one["key_id"].numpy()
            if task == "query_query":
                drawn = luck.integers(len(self.asked[0]), size=len(asked) * self.recipe.negatives)
                other_ids = self.asked[1][drawn]
                keys = queries.named(key_ids, one["key"], texts)
                others = queries.named(other_ids, [self.asked[0][n] for n in drawn], texts)
            else:
                keys = found.of(key_ids, parts, one)
                others = random[KIND[task]] if KIND[task] in random else np.zeros(0, np.int64)
                other_ids = read[KIND[task]]["key_id"].numpy() if KIND[task] in read else others
            met[task] = (asked, keys, others, asked_ids, key_ids, other_ids)
        return Batch(texts, _entities(self.vocabulary, parts, found), met)


class _Places:
    """Distinct ids in the order in which they first come."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.firsts: list[Ints] = []

    def _placed(self, ids: Ints) -> tuple[Ints, Ints]:
        """(the place of each id, which of them are new: their places in `ids`)."""
        new = []
        for n, one in enumerate(ids.tolist()):
            if one not in self.known:
                self.known[one] = len(self.known)
                new.append(n)
        return np.fromiter((self.known[one] for one in ids.tolist()), np.int64, len(ids)), np.array(new, np.int64)

    def named(self, ids: Ints, names: Sequence[str], into: list[str]) -> Ints:
        """The place of each id; names of new ones go into the list."""
        places, new = self._placed(ids)
        into.extend(names[n] for n in new)
        return places

    def of(self, ids: Ints, parts: list[dict[str, Any]], batch: dict[str, Any]) -> Ints:
        """The place of each id; the rows of a batch that hold new ones are noted."""
        places, new = self._placed(ids)
        parts.append(batch)
        self.firsts.append(new)
        return places


def _entities(vocabulary: Vocabulary, parts: Sequence[dict[str, Any]], found: _Places) -> Entities:
    columns = {}
    for name in (*NAMES, *VECTORS):
        kind = pa.binary() if name in VECTORS else pa.string()
        own = [pa.array(part[name], kind).take(pa.array(new)) for part, new in zip(parts, found.firsts, strict=True)]
        columns[name] = pa.concat_arrays(own) if own else pa.array([], kind)
    return entities(vocabulary, columns)


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
        pairs = (
            parquet(rows / PAIRS)
            .to_table(filter=pc.field("split") == "validation")
            .sort_by([("task", "ascending"), ("query_id", "ascending")])
        )
        pairs = pairs.slice(0, MOST)
        drawn = parquet(rows / NEGATIVES).to_table(filter=pc.field("split") == LEARNT).sort_by("key_id").slice(0, MOST)
        queries, texts, found = _Places(), list[str](), _Places()
        parts: list[dict[str, Any]] = []
        met: dict[str, tuple[Ints, Ints]] = {}
        of_kind = {kind: [_met(found, parts, drawn.filter(pc.field("entity_type") == kind))] for kind in ("pin", "product")}
        for task in TASKS:
            own = pairs.filter(pc.field("task") == task)
            if len(own):
                asked = queries.named(own["query_id"].to_numpy(), own["query"].to_pylist(), texts)
                if task == "query_query":
                    keys = queries.named(own["key_id"].to_numpy(), own["key"].to_pylist(), texts)
                else:
                    keys = _met(found, parts, own)
                of_kind.setdefault(KIND[task], []).append(keys)
                met[task] = (asked, keys)
        candidates = {kind: np.unique(np.concatenate(some)) for kind, some in of_kind.items()}
        placed = {}
        for task, (asked, keys) in met.items():
            among = candidates[KIND[task]]
            placed[task] = (asked, among, np.searchsorted(among, keys))
        return cls(texts, _entities(vocabulary, parts, found), placed)

    def recall(self, model: OmniSearchSage) -> dict[str, float]:
        """recall@10 by task: the share of pairs whose entity is among the ten nearest of its query."""
        if not self.pairs:
            return {}
        queries = model.of_queries(self.queries)
        found = model.of_entities(self.entities)
        of = {task: queries if task == "query_query" else found for task in self.pairs}
        return {task: recall(queries[asked], of[task][among], keys) for task, (asked, among, keys) in self.pairs.items()}


def _met(found: _Places, parts: list[dict[str, Any]], rows: pa.Table) -> Ints:
    """The place of each row's entity."""
    return found.of(rows["key_id"].to_numpy(), parts, {name: rows[name].to_pylist() for name in (*NAMES, *VECTORS)})


def recall(queries: Floats, candidates: Floats, keys: Ints, k: int = K) -> float:
    """The share of queries, (n, dim), whose candidate at `keys`, (n,), is among the k of the largest inner product; ties count against."""
    hits = 0
    for start in range(0, len(queries), 1_024):
        scores = queries[start : start + 1_024] @ candidates.T
        own = np.take_along_axis(scores, keys[start : start + 1_024, None], 1)
        hits += int(((scores >= own).sum(1) <= k).sum())
    return hits / len(queries) if len(queries) else float("nan")


def vocabulary_of(folder: Path) -> Vocabulary:
    """The vocabulary of a lesson: tokens by kind in the order of their idx."""
    rows = parquet(folder).to_table().sort_by("idx")
    return Vocabulary({gram: rows.filter(pc.field("gram") == gram)["token"].to_pylist() for gram in GRAMS})
