from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.commands import Lake
from jobs.days import Days
from jobs.errors import UsageError
from jobs.evaluation.link_texts import evaluate, evaluate_peers
from jobs.settings import load
from schemas import ops
from udfs.pages import peers
from udfs.pages.guard import Limits

GOLD = "url string, title string, description string, language string"
NOTHING = {name: {"right": 0, "of": 0, "share": None} for name in ("title", "description")}
TEXTS = "url string, title string, description string"


def test_texts_are_right_where_they_equal_the_gold_but_for_case_and_space(spark: SparkSession) -> None:
    gold = [
        ("a", "Apple\u00a0 Pie ", "An apple pie.", "en"),
        ("b", "Straßenkuchen", None, "de"),
        ("c", "Cherry pie", "A cherry pie.", "EN-gb"),
        ("d", "Date pie", "  ", "en"),
        ("e", "Gone pie", "Too large to be read.", "en"),
        ("f", "Lost pie", "Never fetched.", None),
        ("a", "Another page of the same url", None, "en"),
    ]
    texts = [
        ("a", "apple pie", "an  APPLE\npie."),
        ("b", "STRAßEN KUCHEN", "ignored"),
        ("c", "cherry pies", None),
        ("d", None, None),
        ("x", "other", None),
    ]
    refused = [
        ("r", "signals.link_texts", ds, reason, json.dumps({"ds": ds, "url": url}), "{}")
        for url, ds, reason in (("e", "2026-01-07", "large"), ("e", "2026-01-06", "too slow"), ("y", "2026-01-06", "large"))
    ] + [("r", "signals.link_texts", "2026-01-07", "an older row stands", json.dumps({"url": "a"}), "{}")]
    found = evaluate(
        spark.createDataFrame(gold, GOLD), spark.createDataFrame(texts, TEXTS), spark.createDataFrame(refused, ops.QUARANTINE.ddl)
    )
    assert found == {
        "pages": 6,
        "rows": 4,
        "quarantined": 1,
        "reasons": {"large": 1},
        "title": {"right": 2, "of": 6, "share": 0.3333},
        "description": {"right": 1, "of": 4, "share": 0.25},
        "gap": {"title": -0.75, "description": None},
        "english": {"pages": 4, "title": {"right": 1, "of": 4, "share": 0.25}, "description": {"right": 1, "of": 3, "share": 0.3333}},
        "others": {"pages": 1, "title": {"right": 1, "of": 1, "share": 1.0}, "description": {"right": 0, "of": 0, "share": None}},
        "by_language": {
            "en": {
                "pages": 4,
                "title": {"right": 1, "of": 4, "share": 0.25},
                "description": {"right": 1, "of": 3, "share": 0.3333},
            },
            "de": {
                "pages": 1,
                "title": {"right": 1, "of": 1, "share": 1.0},
                "description": {"right": 0, "of": 0, "share": None},
            },
            "und": {
                "pages": 1,
                "title": {"right": 0, "of": 1, "share": 0.0},
                "description": {"right": 0, "of": 1, "share": 0.0},
            },
        },
    }


def test_no_pages_give_counts_of_zero_and_no_share(spark: SparkSession) -> None:
    found = evaluate(spark.createDataFrame([], GOLD), spark.createDataFrame([], TEXTS), spark.createDataFrame([], ops.QUARANTINE.ddl))
    assert found == {
        "pages": 0,
        "rows": 0,
        "quarantined": 0,
        "reasons": {},
        **NOTHING,
        "gap": {"title": None, "description": None},
        "english": {"pages": 0, **NOTHING},
        "others": {"pages": 0, **NOTHING},
        "by_language": {},
    }


def test_peers_read_the_same_pages_and_what_they_refuse_counts_as_wrong(spark: SparkSession) -> None:
    page = b"<html><head><title>Apple pie</title><meta name='description' content='A pie for all.'></head><p>A pie</html>"
    gold = [
        ("a", page, " APPLE  pie", "A pie for all.", "en"),
        ("a", page.replace(b"Apple", b"Date"), "Fig pie", "A pie for all.", "en"),
        ("d", page.replace(b"Apple", b"Cherry"), "Apple pie", None, "de"),
        ("b", page + b" " * 5_000, "Apple pie", "A pie for all.", "en"),
        ("c", None, "Apple pie", None, None),
    ]
    found = evaluate_peers(spark.createDataFrame(gold, "url string, html binary, " + GOLD[12:]), Limits(most_bytes=4_000))
    assert list(found) == ["trafilatura", "resiliparse"]
    for table in found.values():
        assert isinstance(table, dict)
        assert {name: table[name] for name in ("pages", "rows", "quarantined", "reasons", "title", "description")} == {
            "pages": 4,
            "rows": 2,
            "quarantined": 2,
            "reasons": {"the page has no body": 1, "the page is larger than 4000 bytes": 1},
            "title": {"right": 1, "of": 4, "share": 0.25},
            "description": {"right": 1, "of": 2, "share": 0.5},
        }


def test_peers_that_are_not_installed_are_named_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "missing", lambda: ["resiliparse"])
    lake = Lake(load({"warehouse": str(tmp_path)}))
    with pytest.raises(UsageError, match="not installed: resiliparse; type: pip install resiliparse"):
        lake.evaluate_link_texts(tmp_path, Days("2026-01-06", "2026-01-06"), peers=True)
    assert "spark" not in vars(lake)
