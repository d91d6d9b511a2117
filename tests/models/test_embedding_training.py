"""The joint embedding learns which entities queries lead to; a killed training, and one in two processes, come to the same kind of end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.evaluation.embedding_ablation import lesson as variant
from jobs.evaluation.embedding_ablation import variants
from models import embedding_training
from models.bags import Vocabulary, grams
from models.embedding_batches import Looked, Steps, vocabulary_of
from models.embedding_training import NEWEST, WARM, Network, together, train
from models.encoder import Encoder
from models.omnisearchsage import OmniSearchSage
from models.recipe import EmbeddingRecipe
from models.specs import ModelError
from schemas.embeddings import GRAMS, NAMES, NEGATIVES, PAIRS, TASKS, TOKENS, VECTORS, WIDTH
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
    warm_queries=0,
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


def test_queries_find_what_they_lead_to_and_a_killed_training_goes_on_to_the_same(
    rows: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_training, "KEEP_SECONDS", 0.0)  # a checkpoint at each look
    told, out = trained(rows, base, tmp_path / "whole")
    first, best = told["looks"][0], max(told["looks"], key=lambda one: one["mean"])
    assert told["pairs"] == 320
    assert best["recall@10_query_pin"] > 0.8, "chance is 10 of 40, and the most is all: there are eight of a word"
    assert best["recall@10_query_query"] > 0.9
    assert first["loss"] > told["looks"][-1]["loss"]
    model = OmniSearchSage.loaded(out)
    vocabulary = vocabulary_of(rows / TOKENS)
    looked = Looked.of(rows, vocabulary)
    again = looked.recall(model)
    whole_mean = sum(again[task] * n for task, n in looked.counts.items()) / sum(looked.counts.values())
    assert whole_mean == pytest.approx(best["mean"]), "the folder has the weights of the best look"

    def killed(line: str) -> None:
        if line.startswith("step 40 of 80: recall"):
            raise KeyboardInterrupt

    said: list[str] = []
    steps = replace(RECIPE, minutes=1e6)  # as many steps whatever the pace
    with pytest.raises(KeyboardInterrupt):
        trained(rows, base, tmp_path / "killed", steps, killed)
    more, resumed = trained(rows, base, tmp_path / "killed", steps, said.append)
    assert said[0].startswith("goes on from step")
    straight, whole = trained(rows, base, tmp_path / "straight", steps)
    assert more["looks"] == straight["looks"]
    assert (resumed / "towers.safetensors").read_bytes() == (whole / "towers.safetensors").read_bytes()


def test_own_words_come_first_and_are_not_learnt_again_after_a_kill(rows: Path, base: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, warm_queries=400, warm_rate=1e-2, epochs=0.1)
    said: list[str] = []

    def killed(line: str) -> None:
        said.append(line)
        if line.startswith("step 1 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(rows, base, tmp_path / "killed", recipe, killed)
    assert said[0].startswith("own words: ")
    assert (tmp_path / "killed" / "work" / WARM).is_file()
    (tmp_path / "killed" / "work" / NEWEST).unlink(missing_ok=True)
    said.clear()
    told, _ = trained(rows, base, tmp_path / "killed", recipe, said.append)
    assert not any(line.startswith("own words") for line in said)
    straight, _ = trained(rows, base, tmp_path / "straight", recipe)
    assert told["looks"] == straight["looks"], "as if there had been no kill"


def test_the_language_model_drops_nothing_out(base: Path) -> None:
    model = OmniSearchSage.fresh(Encoder.loaded(base), Vocabulary({gram: ["a"] for gram in GRAMS}), 1, width=16, table=50, hidden=8)
    network = Network(model, ["query_pin"], RECIPE).train()
    assert network.entity.training
    assert not any(module.training for module in network.query.body.modules())


def test_two_processes_train_together(rows: Path, base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "work").mkdir()
    recipe = replace(RECIPE, processes=2, warm_queries=100)
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


@pytest.mark.parametrize("task", TASKS)
def test_one_task_is_learnt_alone(rows: Path, base: Path, tmp_path: Path, task: str) -> None:
    alone = variant(rows, next(one for one in variants() if one.name == f"{task} alone"), tmp_path / "rows")
    told, _ = trained(alone, base, tmp_path, replace(RECIPE, epochs=0.5))
    assert told["pairs"] == 80
    assert set(told["looks"][0]) == {"step", "loss", "mean", f"recall@10_{task}"}
