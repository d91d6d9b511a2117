from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.pins import link_texts
from jobs.pins.link_texts import LinkTextParams, build
from schemas import raw, signals
from udfs.pages.udf import read_pages

DAY = "2026-01-05"
PAGE = b"<html lang='en'><title>Apple pie</title><meta name='description' content='A pie for the whole family.'></html>"
SMALL = LinkTextParams(page_bytes=100_000)


def pages(spark: SparkSession, rows: Sequence[tuple[str | None, bytes | None, int | None, dt.datetime | None]], ds: str = DAY) -> DataFrame:
    """Rows of raw.link_pages: url, html, status, fetched at."""
    given = [(ds, *row, None) for row in rows]
    return spark.createDataFrame(given, raw.LINK_PAGES.ddl)


def facts(row: Row, *names: str) -> tuple[Any, ...]:
    """Some fields of a row."""
    return tuple(row[name] for name in names)


def test_every_fetch_ends_as_a_text_a_tombstone_or_a_refusal_with_its_reason(spark: SparkSession) -> None:
    cases: dict[str, tuple[bytes | None, int | None, tuple[Any, ...]]] = {
        "good": (PAGE, 200, ("ok", False, None)),
        "empty": (b"", 200, ("no_text", False, None)),
        "gone": (b"gone", 410, (None, True, None)),
        "missing": (None, 404, (None, True, None)),
        "moved": (PAGE, 301, (None, False, "the status of the response is 301")),
        "broken server": (PAGE, 500, (None, False, "the status of the response is 500")),
        "no status": (PAGE, None, (None, False, "the status of the response is missing")),
        "no body": (None, 200, (None, False, "the body is missing")),
        "pdf": (b"%PDF-1.7", 200, (None, False, "the body is a PDF, not text")),
        "attributes": (b"<a " + b"b " * 40_000 + b">", 200, (None, False, "a tag has more than 200 attributes")),
        "nested": (b"<div>" * 10_000, 200, (None, False, "elements are nested more than 256 deep")),
        "large": (b"<p>" + b"x" * 200_000, 200, (None, False, "the page is larger than 100000 bytes")),
    }
    given = pages(
        spark, [(url, html, status, None) for url, (html, status, _) in cases.items()] + [(None, PAGE, 200, None), (" ", PAGE, 404, None)]
    )
    rows = build(given, SMALL).collect()
    assert len(rows) == len(cases) + 2, "one-to-one"
    found = {row.url: row for row in rows}
    assert {url: facts(found[url], "status", "deleted", "refused") for url in cases} == {
        url: expected for url, (_, _, expected) in cases.items()
    }
    assert facts(found["good"], "ds", "title", "description", "main_text", "language", "encoding") == (
        DAY,
        "Apple pie",
        "A pie for the whole family.",
        None,
        "en",
        "utf-8",
    )
    for url in (None, " "):
        assert found[url].refused == "the url is missing"
    for row in rows:
        assert (row.refused is None) == (row.refused_key is None)
    assert json.loads(found["moved"].refused_key) == {"ds": DAY, "url": "moved"}
    assert set(json.loads(found[None].refused_key)) == {"ds", "html_sha256"}


def test_the_columns_are_those_of_the_contract(spark: SparkSession) -> None:
    rows = build(pages(spark, []), SMALL)
    contract = [c.name for c in signals.LINK_TEXTS.fields if c.name != "changed"]
    assert rows.columns == [*contract, "refused", "refused_key"]
    types = {c.name: c.type for c in signals.LINK_TEXTS.fields}
    assert {field.name: field.dataType.simpleString() for field in rows.schema if field.name in types} == {n: types[n] for n in contract}


def test_of_two_fetches_on_a_day_the_newest_readable_one_counts(spark: SparkSession) -> None:
    early, late, latest = (dt.datetime(2026, 1, 5, hour, tzinfo=dt.UTC) for hour in (1, 2, 3))
    given = pages(spark, [("u", b"<title>Early", 200, early), ("u", b"<title>Late", 200, late), ("u", b"<title>Failed", 503, latest)])
    other = pages(spark, [("u", b"<title>Next day", 200, early)], "2026-01-06")
    found = {(row.ds, row.title): row.refused for row in build(given.union(other), SMALL).collect()}
    assert found == {
        (DAY, "Early"): "another fetch of the page on this day counts",
        (DAY, "Late"): None,
        (DAY, None): "the status of the response is 503",
        ("2026-01-06", "Next day"): None,
    }


def test_a_page_that_never_returns_is_refused_and_the_others_are_kept(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_texts, "read_pages", functools.partial(read_pages, parser="tests.udfs.children.parsers:parse"))
    given = pages(spark, [("a", b"x", 200, None), ("hang", b"x", 200, None), ("b", b"x", 200, None)])
    found = {row.url: row.refused for row in build(given, LinkTextParams(seconds_per_page=1.0)).collect()}
    assert found["hang"] == "the page took longer than 1 seconds"
    assert {found["a"], found["b"]} <= {None, "the body is missing"}


def test_the_rows_do_not_depend_on_the_order_or_the_partitions_of_the_pages(spark: SparkSession) -> None:
    given = [(f"u{n % 7}", b"<title>T%d</title>" % (n % 3), (200, 200, 404, 500)[n % 4], None) for n in range(24)]
    found = []
    for rows, parts in ((given, 1), (given[::-1], 2), (given[5:] + given[:5], 5)):
        built = build(pages(spark, rows).repartition(parts, "url"), SMALL)
        found.append(sorted(str(row) for row in built.collect()))
    assert found[0] == found[1] == found[2]
