"""Data Docs: a page a table with its checks in words, an index, and nothing of a row."""

from __future__ import annotations

import json

import pytest

from jobs import data_docs, quality
from jobs.days import Days
from jobs.errors import Refused
from schemas.contract import DAILY, Column, Table

DAYS = Days("2026-01-01", "2026-01-02")
TABLE = Table(
    "toys.docs", DAILY, "d", ("query",), (Column("query", "string", "q", required=True, private=True), Column("n", "int", "n", minimum=0))
)


def judged(spark, n):
    rows = [("2026-01-01", "zqsecret vase", n, None, None), ("2026-01-02", "zqsecret lamp", 1, None, None)]
    frame = spark.createDataFrame(rows, TABLE.ddl + ", refused string, refused_key string")
    quality.judge(frame, TABLE, quality.facts(frame, TABLE, DAYS), {})


def test_every_table_has_a_page_of_its_newest_verdict_and_no_value_of_a_row(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "DOCS", [tmp_path / "docs"])
    judged(spark, 1)
    page, index = (tmp_path / "docs" / name for name in ("toys.docs.html", data_docs.INDEX))
    assert "rows that have a n below 0" in page.read_text()
    assert "Succeeded" in page.read_text()
    assert "<td>passed</td>" in index.read_text()
    with pytest.raises(Refused, match="have a n below 0"):
        judged(spark, -1)
    assert "Failed" in page.read_text()
    assert json.loads((tmp_path / "docs" / data_docs.LIST).read_bytes())["toys.docs"] == {
        "first": "2026-01-01", "last": "2026-01-02", "success": False, "checks": 6,
    }  # fmt: skip
    assert '<a href="toys.docs.html">' in index.read_text()
    assert "<td>failed</td>" in index.read_text()
    assert all("zqsecret" not in path.read_text() for path in (tmp_path / "docs").iterdir())


def test_without_a_folder_nothing_is_written(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "DOCS", [])
    monkeypatch.chdir(tmp_path)
    judged(spark, 1)
    assert list(tmp_path.iterdir()) == []
