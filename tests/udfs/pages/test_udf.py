from __future__ import annotations

import collections
import pathlib
import subprocess
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from udfs.pages.guard import Limits
from udfs.pages.udf import read_pages

REPOSITORY = pathlib.Path(__file__).parents[3]
PARSERS = "tests.udfs.children.parsers"


def test_every_row_is_read_once_whatever_is_done_with_the_answers(spark: SparkSession, tmp_path: pathlib.Path) -> None:
    asked = tmp_path / "asked"
    rows = [(f"page {n}", str(asked).encode(), n) for n in range(40)] + [(f"none {n}", None, n) for n in range(5)]
    pages = spark.createDataFrame(rows, "url string, body binary, n int").repartition(3, "n")
    read = read_pages(pages, Limits(), f"{PARSERS}:count")
    # Filters, repeated uses of one answer and unused ones: where a column is asked twice, this is why.
    found = read.where(F.col("title").isNotNull() & (F.col("n") < 30)).select("title", F.upper("title").alias("loud"), F.length("title"))
    assert sorted(row.title for row in found.collect()) == sorted(f"page {n}" for n in range(30))
    assert collections.Counter(asked.read_text().splitlines()) == {f"page {n}": 1 for n in range(40)}


def test_a_row_that_never_returns_is_refused_and_all_others_are_kept(spark: SparkSession) -> None:
    urls = [f"page {n}" for n in range(20)] + ["hang", "hog", "die"]
    pages = spark.createDataFrame([(url, b"x") for url in urls] + [(None, b"x")], "url string, body binary")
    read = read_pages(pages, Limits(seconds=1.0, memory_mb=256), f"{PARSERS}:parse")
    found: dict[str | None, tuple[str | None, str | None]] = {row.url: (row.title, row.refused) for row in read.collect()}
    assert found == {None: ("", None)} | {
        **{f"page {n}": (f"page {n}", None) for n in range(20)},
        "hang": (None, "the page took longer than 1 seconds"),
        "hog": (None, "the page needs more than 256 MB of memory"),
        "die": (None, "the parser died on the page"),
    }


def test_the_body_is_replaced_by_what_the_page_says_and_other_columns_stay(spark: SparkSession) -> None:
    page = "<title>Crème</title>".encode("cp1252")
    pages = spark.createDataFrame([("a", page, [1, 2], "2026-01-01")], "url string, body binary, other array<int>, ds string")
    (row,) = read_pages(pages, Limits()).collect()
    assert row.asDict() == {
        "url": "a",
        "other": [1, 2],
        "ds": "2026-01-01",
        "title": "Crème",
        "description": None,
        "main_text": None,
        "language": row.language,
        "encoding": "windows-1252",
        "status": "no_description",
        "refused": None,
    }


def test_bombs_leave_the_memory_of_the_parent_as_it_was() -> None:
    script = """
import resource, sys
from udfs.pages.guard import Limits
from udfs.pages.udf import PARSER
from udfs.children.pool import Parser, Pool
pool = Pool(Parser(PARSER, "page"), Limits(seconds=5.0))
pool.read([("a", b"<title>warm up")])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bombs = [b"<a " + b"b " * 200_000 + b">", b"<div>" * 50_000, b"x" * (2 << 20)] * 5
reasons = [answer.refused for answer in pool.read(("u", bomb) for bomb in bombs)]
pool.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, sorted(set(reasons)))
"""
    out = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    grown, _, reasons = out.partition(" ")
    assert int(grown) < 64 * 1024
    assert reasons.count("'") == 6, f"three kinds of bombs, three reasons: {reasons}"
