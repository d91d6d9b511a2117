"""Variants of a training: what each lacks is not in its rows, and what could not differ is not run."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.evaluation import embedding_ablation as ablation
from models.recipe import EmbeddingRecipe
from schemas.embeddings import NAMES, NEGATIVES, PAIRS, TASKS, TOKENS, VECTORS
from tests.models.test_embedding_training import lesson


def named(name: str) -> ablation.Variant:
    return next(one for one in ablation.variants() if one.name == name)


def test_names_are_told_apart_and_sources_grow_by_one() -> None:
    some = ablation.variants()
    assert len({one.name for one in some}) == len(some) == 21
    assert some[0].sources == tuple(ablation.SOURCES)
    grown = [one.sources for one in some if one.table == "sources added"]
    assert [len(sources) for sources in grown] == list(range(1, len(ablation.SOURCES)))
    assert all(len(one.sources) == len(ablation.SOURCES) - 1 for one in some if one.table == "sources left out")


def test_a_variant_has_nothing_of_what_it_lacks_and_is_judged_by_the_same_pairs(tmp_path: Path) -> None:
    rows = lesson(tmp_path / "rows")
    out = ablation.lesson(rows, named("query_pin alone"), tmp_path / "alone")
    pairs = ds.dataset(out / PAIRS).to_table()
    assert set(pc.unique(pairs["task"]).to_pylist()) == {"query_pin"}, "this lesson has no pairs behind the gap"
    assert ds.dataset(out / TOKENS).count_rows() == ds.dataset(rows / TOKENS).count_rows()
    out = ablation.lesson(rows, named("existing embeddings"), tmp_path / "existing")
    for part in (PAIRS, NEGATIVES):
        table, whole = (ds.dataset(folder / part).to_table() for folder in (out, rows))
        assert table.schema == whole.schema
        assert all(table[name].null_count == len(table) for name in NAMES)
        assert all(table[name].equals(whole[name]) for name in VECTORS)


def test_what_cannot_differ_is_not_run(tmp_path: Path) -> None:
    rows = lesson(tmp_path / "rows")
    why = ablation.reasons(rows, ablation.variants())
    assert why["+ board titles"] == "no entity has board titles"
    assert why["without board titles"] == "no entity has it"
    assert "all" not in why
    assert "without captions" not in why
    assert not {f"{task} alone" for task in TASKS} & set(why)


def test_a_task_alone_has_no_other_weights() -> None:
    recipe = named("query_product alone").recipe(EmbeddingRecipe(weights=(1, 2, 3, 4)), 0.5)
    assert recipe.weights == (0.0, 2, 0.0, 0.0)
    assert recipe.minutes == 0.5
    assert not named("without compatibility").recipe(EmbeddingRecipe(), 1).compatible


def test_lines_show_what_was_not_run_and_why() -> None:
    rows = [{"variant": "all", "recall": {"query_pin": 0.5}}, {"variant": "other", "not_run": "no time"}]
    assert ablation.lines(rows) == [("variant", "query_pin", ""), ("all", "0.500", ""), ("other", "", "no time")]
