from __future__ import annotations

import base64
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.errors import UsageError
from jobs.imports.mapping import load, parsed
from jobs.imports.read import frames
from schemas import raw
from schemas.contract import Table

DAY = "2026-01-06"
LABELS = '[raw.human_labels]\nlabel_id = "id"\nquery = "q"\nentity_type = { constant = "pin" }\nentity_id = "pin"\ngrade = "grade"\n'
PRODUCTS = """[raw.product_updates]
product_id = "id"
title = { transform = "concat", of = ["brand", "name"], separator = " " }
price = "price"
colors = { transform = "split", of = "colors", separator = "|" }
deleted = "gone"
"""


def imported(spark: SparkSession, mapping: str, path: Path, table: Table) -> DataFrame:
    """The rows of one table."""
    found = frames(spark, parsed(mapping, "mine", "mine.toml"), path, DAY)
    assert list(found) == [table]
    assert found[table].columns == ["ds", *(c.name for c in table.columns), "refused", "refused_key"]
    types = {c.name: c.type for c in table.columns}
    assert {f.name: f.dataType.simpleString() for f in found[table].schema if f.name in types} == types
    return found[table]


def parquet(path: Path, **columns: Any) -> Path:
    """A Parquet file of these columns."""
    pq.write_table(pa.table(columns), path)
    return path


def by(rows: DataFrame, name: str) -> dict[Any, Row]:
    """Rows by a column."""
    return {row[name]: row for row in rows.collect()}


def test_csv_with_quotes_and_line_breaks_is_read_and_cast(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "products [1].csv"
    path.write_text(
        "id,brand,name,price,colors,gone\n"
        'p1,Acme,"Tin, ""round""\nlarge",12.5,red| blue |,false\n'
        "p2,,Bowl,,,TRUE\n"
        "p3,Acme,Jug,cheap,red,no\n"
        "p4,Acme,Cup\n"
        "p5,Acme,Pot,1,red,false,extra\n"
        ",Acme,Pan,1,red,false\n"
        "p6,Acme,Lid,-1,red,maybe\n"
        "p7,Acme,Lid,-1,red,false\n",
        encoding="utf-8",
    )
    found = by(imported(spark, PRODUCTS, path, raw.PRODUCT_UPDATES), "product_id")
    assert len(found) == 8
    good = found["p1"]
    assert (good.ds, good.title, good.price, good.colors, good.deleted) == (
        DAY,
        'Acme Tin, "round"\nlarge',
        Decimal("12.50"),
        ["red", "blue"],
        False,
    )
    assert (found["p2"].title, found["p2"].price, found["p2"].colors, found["p2"].deleted) == ("Bowl", None, None, True)
    assert {name: row.refused for name, row in found.items()} == {
        "p1": None,
        "p2": None,
        "p3": "price cannot be read as decimal(18,2)",
        "p4": "the line cannot be read",
        "p5": "the line cannot be read",
        None: "not allowed: rows that have no product_id, which is required",
        "p6": "deleted cannot be read as boolean",
        "p7": "not allowed: rows that have a price below 0",
    }
    assert set(json.loads(found[None].refused_key)) == {"source_sha256"}


def test_jsonl_lines_that_are_no_json_are_refused_and_the_others_kept(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    lines = [
        {"id": 1, "q": "pie", "pin": "x", "grade": 5},
        {"id": 2, "q": "pie", "pin": "x", "grade": "4"},
        {"id": 3, "q": "pie", "pin": "x"},
        {"id": 4, "q": "pie", "pin": "x", "grade": 4.5},
        {"id": 5, "q": "pie", "pin": "x", "grade": 9},
    ]
    path.write_text("\n".join([*map(json.dumps, lines), "{broken"]) + "\n", encoding="utf-8")
    rows = imported(spark, LABELS, path, raw.HUMAN_LABELS).collect()
    assert {row.label_id: (row.grade, row.refused) for row in rows} == {
        "1": (5, None),
        "2": (4, None),
        "3": (None, None),
        "4": (None, "grade cannot be read as int"),
        "5": (9, "not allowed: rows that have a grade above 5"),
        None: (None, "the line cannot be read"),
    }


def test_numbers_that_would_lose_their_fraction_and_keys_that_repeat_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "labels.parquet",
        id=["a", "b", "c", "d", "d", "e", None],
        q=["pie"] * 7,
        pin=["x", "x", None, "x", "y", "x", "x"],
        grade=pa.array([5.0, 4.5, 3.0, 1.0, 2.0, float("nan"), 1.0], pa.float32()),
    )
    rows = imported(spark, LABELS, path, raw.HUMAN_LABELS).collect()
    found = sorted((row.label_id or "", row.refused or "") for row in rows)
    assert found == [
        ("", "not allowed: rows that have no label_id, which is required"),
        ("a", ""),
        ("b", "grade cannot be read as int"),
        ("c", "not allowed: rows that have no entity_id, which is required"),
        ("d", ""),
        ("d", "repeats the key (label_id)"),
        ("e", "grade cannot be read as int"),
    ]
    again = imported(spark, LABELS, path, raw.HUMAN_LABELS).repartition(3, "query").collect()
    assert sorted(map(str, again)) == sorted(map(str, rows)), "which of two rows is kept does not depend on their order"


def test_equal_rows_count_once_where_the_mapping_says_so(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", id=["a", "a", "a", "b"], uri=["1", "1", "2", "3"])
    text = '[raw.images]\n_repeated = "merge_equal"\nimage_id = "id"\nuri = "uri"'
    found = sorted((row.image_id, row.refused or "") for row in imported(spark, text, path, raw.IMAGES).collect())
    assert found == [("a", ""), ("a", "repeats the key (image_id)"), ("b", "")]


def test_transforms_make_ids_bytes_lists_and_times(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "x.parquet",
        id=["a", None, None, "d"],
        more=["b", "b", None, "d"],
        text=["é", None, "x", "x"],
        packed=[base64.b64encode(b"\x00\xff").decode(), None, "!!", None],
        said=["2026-01-06T10:00:00+02:00", "2026-01-06 10:00:00", None, "soon"],
        seconds=pa.array([0.5, 1_767_690_000, None, 1e30]),
    )
    pages = """[raw.link_pages]
url = { transform = "sha256_id", of = ["id", "more"] }
html = { transform = "%s", of = "%s" }
fetched_at = { transform = "%s", of = "%s" }
"""
    first = (
        imported(spark, pages % ("to_utf8_bytes", "text", "utc_timestamp", "said"), path, raw.LINK_PAGES)
        .withColumn("fetched_at", F.col("fetched_at").cast("string"))
        .collect()
    )
    ids = {hashlib.sha256(both.encode()).hexdigest(): name for both, name in (("a\x1fb", "a"), ("\x1fb", "b"), ("d\x1fd", "d"))}
    assert {ids.get(row.url): (row.html and bytes(row.html), row.fetched_at, row.refused) for row in first} == {
        "a": ("é".encode(), "2026-01-06 08:00:00", None),
        "b": (None, "2026-01-06 10:00:00", None),
        None: (b"x", None, "not allowed: rows that have no url, which is required"),
        "d": (b"x", None, "fetched_at cannot be read as timestamp"),
    }
    second = (
        imported(spark, pages % ("base64_bytes", "packed", "epoch_timestamp", "seconds"), path, raw.LINK_PAGES)
        .withColumn("fetched_at", F.col("fetched_at").cast("string"))
        .collect()
    )
    assert {ids.get(row.url): (row.html and bytes(row.html), row.fetched_at, row.refused) for row in second} == {
        "a": (b"\x00\xff", "1970-01-01 00:00:00.5", None),
        "b": (None, "2026-01-06 09:00:00", None),
        None: (None, None, "html cannot be read as binary"),
        "d": (None, None, "fetched_at cannot be read as timestamp"),
    }


@pytest.mark.parametrize(
    ("mapping", "columns", "words"),
    [
        ('[raw.images]\nimage_id = "id"', {"name": ["a"]}, ["raw.images needs the column id", "the file has name"]),
        ('[raw.images]\nimage_id = "id"\nimage = "id"', {"id": ["a"]}, ["is text, the column is bytes", "to_utf8_bytes"]),
        ('[raw.images]\nimage_id = "id"', {"id": [b"a"]}, ["is bytes, the column is string"]),
        ('[raw.link_pages]\nurl = "id"\nfetched_at = "t"', {"id": ["a"], "t": [1]}, ["is a number", "epoch_timestamp"]),
        ('[raw.product_updates]\nproduct_id = "id"\ncolors = "id"', {"id": ["a"]}, ["cannot become array<string>", "split"]),
        ('[raw.images]\nimage_id = { transform = "sha256_id", of = "id" }', {"id": [["a"]]}, ["reads plain values"]),
    ],
)
def test_a_file_that_does_not_fit_the_mapping_is_refused_by_name(
    spark: SparkSession, tmp_path: Path, mapping: str, columns: dict[str, Any], words: list[str]
) -> None:
    path = parquet(tmp_path / "x.parquet", **columns)
    with pytest.raises(UsageError) as error:
        frames(spark, parsed(mapping, "mine", "mine.toml"), path, DAY)
    assert str(path) in str(error.value)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_file_is_read_by_its_extension(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet, \.csv, \.jsonl"):
        frames(spark, load("images"), tmp_path / "images.xlsx", DAY)


def test_a_csv_file_without_usable_names_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    for text, words in ((b"", "has no line with the names"), (b"id,id\n1,2\n", "'id' twice"), (b"id,\xff\n", "not UTF-8")):
        path = tmp_path / "x.csv"
        path.write_bytes(text)
        with pytest.raises(UsageError, match=words):
            frames(spark, load("images"), path, DAY)


def test_list_elements_that_cannot_be_read_refuse_their_row(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", id=["a", "b"], v=[["1"] * 256, ["1"] * 255 + ["x"]])
    text = '[raw.entity_embeddings]\nentity_type = { constant = "pin" }\nentity_id = "id"\nname = { constant = "pinsage" }\nvector = "v"'
    found = by(imported(spark, text, path, raw.ENTITY_EMBEDDINGS), "entity_id")
    assert (found["a"].refused, found["b"].refused) == (None, "vector cannot be read as array<float>")


def test_the_relevance_mapping_gives_each_product_once_and_every_pair(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "pairs.parquet",
        id=[1, 2, 3],
        query=["tin", "round tin", "bowl"],
        title=["Tin", "Tin", "Bowl"],
        description=["Round.", "Round.", None],
        median_relevance=pa.array([4, 3, 1], pa.int8()),
        votes_std=pa.array([0.0, 0.5, 0.0], pa.float32()),
        grade5=pa.array([5, None, 1], pa.int8()),
    )
    found = frames(spark, load("product_relevance"), path, DAY)
    products = by(found[raw.PRODUCT_UPDATES], "title")
    labels = by(found[raw.HUMAN_LABELS], "label_id")
    assert found[raw.PRODUCT_UPDATES].count() == 2
    assert {row.refused for row in [*products.values(), *labels.values()]} == {None}
    tin = products["Tin"].product_id
    assert {name: (row.entity_id == tin, row.grade, row.grade_mean, row.grade_std, row.scale) for name, row in labels.items()} == {
        "1": (True, 5, 4.0, 0.0, "median_1_4"),
        "2": (True, None, 3.0, 0.5, "median_1_4"),
        "3": (False, 1, 1.0, 0.0, "median_1_4"),
    }
