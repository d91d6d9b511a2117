"""Variants of text sources: none is run twice, and none without a text."""

from __future__ import annotations

from pathlib import Path

from features.assembly import PinAssembly, ProductAssembly
from jobs.evaluation.ablation import ALL, GROWING, LEFT_OUT, differing, draw, lines


def test_every_variant_is_one_of_the_assemblies() -> None:
    for variant in (*GROWING, *LEFT_OUT):
        assert PinAssembly().chosen(variant.pin)
        assert ProductAssembly().chosen(variant.product)
    assert [variant.name for variant in GROWING][-1] == ALL


def test_variants_of_equal_texts_are_run_once_and_all_sources_always() -> None:
    texts = {"a": ["", ""], "b": ["x", ""], "c": ["x", ""], "d": ["x", "y"], ALL: ["x", "y"], "e": ["z", "y"]}
    names, skipped = differing(texts)
    assert names == ["b", ALL, "e"]
    assert skipped == {"a": "no pair has a text", "c": "the texts are those of `b`", "d": f"the texts are those of `{ALL}`"}


def test_what_was_not_run_is_told_in_its_line(tmp_path: Path) -> None:
    told = {"teacher auroc": 0.8, "teacher accuracy": 0.6, "student auroc": 0.7, "student accuracy": 0.5}
    rows = [{"sources": "captions", "not_run": "no time was left"}, {"sources": ALL, "with_text": 0.5, **told}]
    assert lines(rows)[1:] == [
        ("captions", "", "", "", "", "", "no time was left"),
        (ALL, "50%", "0.800", "0.600", "0.700", "0.500", ""),
    ]
    draw(rows, "a title", tmp_path / "sources.png")
    assert (tmp_path / "sources.png").stat().st_size > 5_000
