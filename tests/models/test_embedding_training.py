"""The joint embedding learns which entities queries lead to; a killed training, and one in two processes, come to the same kind of end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.bags import grams
from models.embedding_batches import Looked, Steps, vocabulary_of
from models.embedding_training import together, train
from models.omnisearchsage import OmniSearchSage
from models.recipe import EmbeddingRecipe
from models.specs import ModelError
from schemas.embeddings import GRAMS, NAMES, NEGATIVES, PAIRS, TOKENS, VECTORS, WIDTH
from tests.models.folders import encoder

WORDS = "blue lamp soup red table".split()
RECIPE = EmbeddingRecipe(
    width=16,
    table=500,
    hidden=32,
    query_layers=1,
    batch_size=32,
    negatives=2,
    epochs=8,
    rate=1e-2,
    encoder_rate=1e-2,
    sketch=1 << 10,
    patience=10,
)
EMPTY: dict[str, Any] = dict.fromkeys((*NAMES, *VECTORS))


def entity(kind: str, n: int) -> dict[str, Any]:
    """An entity of the word n % 5: it says so in a field, and its embedding points its own way."""
    word = WORDS[n % len(WORDS)]
    vector = np.full(WIDTH, 0.01, "<f2")
    vector[n % len(WORDS)] = 1
    text = {"title": f"{word} thing {n}"} if kind == "product" else {"image_caption": f"picture of {word} {n}"}
    return {
        **EMPTY,
        **text,
        "graphs" if kind == "pin" else "item": vector.tobytes() if n % 3 else None,
        "key_id": n * 2 + (kind == "pin"),
        "entity_type": kind,
        "split": "train",
    }


def lesson(folder: Path, pairs: int = 400) -> Path:
    """Pairs of a word and an entity of it, random entities, and their vocabulary, as the job stages them."""
    luck = np.random.default_rng(3)
    kinds = {name: pa.string() for name in NAMES} | {name: pa.binary() for name in VECTORS}
    rows = []
    for n in range(pairs):
        task = ("query_pin", "query_product", "query_product_offsite", "query_query")[n % 4]
        word = int(luck.integers(len(WORDS)))
        query = {"task": task, "split": "validation" if n % 5 == 0 else "train", "query": f"the {WORDS[word]}", "query_id": 10_000 + word}
        if task == "query_query":
            rows.append({**EMPTY, **query, "key": f"a {WORDS[word]}", "key_id": 20_000 + word})
        else:
            one = entity("pin" if task == "query_pin" else "product", int(luck.integers(8)) * len(WORDS) + word)
            rows.append({**one, **query, "key": str(one["key_id"])})
    negatives = [entity(kind, n) for kind in ("pin", "product") for n in range(40)]
    texts = pa.array([one[name] for one in negatives for name in NAMES], pa.string())
    cut = {gram: sorted(set(found.tokens.to_pylist())) for gram, found in grams(texts).items()}
    vocabulary = [{"gram": gram, "token": token, "idx": n} for gram in GRAMS for n, token in enumerate(cut[gram])]
    common = [("key_id", pa.int64()), *kinds.items()]
    asked = [(name, pa.string()) for name in ("task", "split", "query", "key")]
    schemas = {
        PAIRS: (rows, pa.schema([*asked, ("query_id", pa.int64()), *common])),
        NEGATIVES: (negatives, pa.schema([("entity_type", pa.string()), ("split", pa.string()), *common])),
        TOKENS: (vocabulary, pa.schema([("gram", pa.string()), ("token", pa.string()), ("idx", pa.int64())])),
    }
    for name, (some, schema) in schemas.items():
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(some, schema), folder / name / "part-0.parquet")
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lesson(tmp_path_factory.mktemp("lesson") / "rows")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoder(tmp_path_factory.mktemp("base") / "encoder", "cls")


def trained(rows: Path, base: Path, folder: Path, recipe: EmbeddingRecipe = RECIPE, say: Any = lambda line: None) -> tuple[Any, Path]:
    """(how it went, the folder)."""
    work, out = folder / "work", folder / "out"
    work.mkdir(parents=True, exist_ok=True)
    return train(rows, base, recipe, work, out, say), out


def test_queries_find_what_they_lead_to_and_a_killed_training_goes_on_to_the_same(rows: Path, base: Path, tmp_path: Path) -> None:
    told, out = trained(rows, base, tmp_path / "whole")
    first, best = told["looks"][0], max(told["looks"], key=lambda one: one["mean"])
    assert told["pairs"] == 320
    assert best["recall@10_query_pin"] > 0.8, "chance is 10 of 40, and the most is all: there are eight of a word"
    assert best["recall@10_query_query"] > 0.9
    assert first["loss"] > told["looks"][-1]["loss"]
    model = OmniSearchSage.loaded(out)
    vocabulary = vocabulary_of(rows / TOKENS)
    looked = Looked.of(rows, vocabulary)
    assert np.mean(list(looked.recall(model).values())) == pytest.approx(best["mean"]), "the folder has the weights of the best look"

    def killed(line: str) -> None:
        if line.startswith("step 40 of 80: recall"):
            raise KeyboardInterrupt

    said: list[str] = []
    steps = replace(RECIPE, minutes=1e6)  # as many steps whatever the pace
    with pytest.raises(KeyboardInterrupt):
        trained(rows, base, tmp_path / "killed", steps, killed)
    again, resumed = trained(rows, base, tmp_path / "killed", steps, said.append)
    assert said[0].startswith("goes on from step")
    straight, whole = trained(rows, base, tmp_path / "straight", steps)
    assert again["looks"] == straight["looks"]
    assert (resumed / "towers.safetensors").read_bytes() == (whole / "towers.safetensors").read_bytes()


def test_two_processes_train_together(rows: Path, base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "work").mkdir()
    recipe = replace(RECIPE, processes=2)
    told = together(rows, base, recipe, tmp_path / "work", tmp_path / "out", said.append)
    assert max(one["recall@10_query_pin"] for one in told["looks"]) > 0.5
    assert sum("recall@10 of validation pairs" in line for line in said) == len(told["looks"]), "one of the two tells"
    assert OmniSearchSage.loaded(tmp_path / "out").of_queries(["red"]).shape == (1, 16)


def test_a_batch_reads_each_query_and_entity_once(rows: Path) -> None:
    steps = Steps(rows, RECIPE, vocabulary_of(rows / TOKENS), 0, 1)
    batch = next(steps)
    assert len(set(batch.queries)) == len(batch.queries)
    assert sum(len(met[0]) for met in batch.met.values()) == RECIPE.batch_size
    pins, others = batch.met["query_pin"][4], batch.met["query_pin"][5]
    assert len(others) == RECIPE.negatives * len(pins)
    assert (pins % 2 == 1).all(), "pins have odd ids"
    assert (others % 2 == 1).all()
    assert len(batch.entities) == len({int(one) for task, met in batch.met.items() if task != "query_query" for one in (*met[4], *met[5])})
    state = steps.state_dict()
    following = next(steps)
    steps.load_state_dict(state)
    assert next(steps).queries == following.queries


def test_nothing_to_learn_from_is_said(rows: Path, base: Path, tmp_path: Path) -> None:
    empty = lesson(tmp_path / "rows", pairs=0)
    with pytest.raises(ModelError, match="no pair to learn from"):
        trained(empty, base, tmp_path)
