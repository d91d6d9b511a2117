"""Files of the authors' public trainer: its columns and types, empty texts and zeros for what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from schemas.embeddings import FIELDS, NAMES, VECTORS, WIDTH
from udfs.trainer_files import written

PIN = "query_text key gs_v5 item_is_v2 ue_v4 rich_pin_title rich_pin_description item_title item_description item_brand item_colors"
PRODUCT = "query_text key gs_v5_feat ue_v4_feat item_is_v2 item_rich_pin_title item_rich_pin_description title description brand colors"
VECTOR, BITS = pa.list_(pa.float32(), 256), pa.binary(128)


def halves(*values: float) -> bytes:
    """Vectors of one number each, one behind another."""
    return np.repeat(np.array(values), WIDTH).astype("<f2").tobytes()


def made(spark: SparkSession, folder: Path, kind: str, rows: list[dict[str, Any]], pairs: bool = True) -> pa.Table:
    """What is read back of the rows."""
    names = (*(("query",) if pairs else ()), "key", *NAMES, *VECTORS)
    ddl = ", ".join(f"{name} {'binary' if name in VECTORS else 'string'}" for name in names)
    frame = spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], ddl)
    counts = [row.n for row in written(frame.coalesce(1), kind, str(folder)).collect()]
    table = pq.read_table(folder)
    assert sum(counts) == len(table) == len(rows)
    return table


def test_pins_have_one_of_each_embedding(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        {"query": "lamp", "key": "p1", "title": "Lamp", "graphs": halves(1.0), "visuals": b"\x80" + bytes(127)},
        {"query": "vase", "key": "p2", "item": halves(2.0)},
    ]
    table = made(spark, tmp_path / "pins", "pin", rows)
    assert table.schema.names[:11] == PIN.split()
    assert len(table.schema.names) == 5 + len(FIELDS)
    assert [table.schema.field(name).type for name in ("gs_v5", "item_is_v2", "ue_v4", "item_title")] == [VECTOR, VECTOR, BITS, pa.string()]
    first, second = table.sort_by("key").to_pylist()
    assert (first["item_title"], second["item_title"], first["canonical_desc"]) == ("Lamp", "", "")
    assert (first["gs_v5"], second["gs_v5"]) == ([1.0] * WIDTH, [0.0] * WIDTH)
    assert (first["item_is_v2"][0], second["item_is_v2"][0]) == (0.0, 2.0)
    assert (first["ue_v4"], second["ue_v4"]) == (b"\x80" + bytes(127), bytes(128))


def test_products_have_the_embeddings_of_all_their_images(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        {"key": "a", "graphs": halves(1.0, 2.0), "visuals": bytes([1]) * 128 + bytes([2]) * 128},
        {"key": "b"},
        {"key": "c", "graphs": halves(3.0)},
    ]
    table = made(spark, tmp_path / "products", "product", rows, pairs=False).sort_by("key")
    assert table.schema.names[:10] == PRODUCT.split()[1:]
    assert [table.schema.field(name).type for name in ("gs_v5_feat", "ue_v4_feat")] == [pa.list_(VECTOR), pa.list_(BITS)]
    assert [[one[0] for one in row] for row in table["gs_v5_feat"].to_pylist()] == [[1.0, 2.0], [0.0], [3.0]]
    assert [[one[0] for one in row] for row in table["ue_v4_feat"].to_pylist()] == [[1, 2], [0], [0]]


def test_pairs_of_queries_have_nothing_else(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame([("lamp", "red lamp")], "query string, cand_query string")
    assert [row.n for row in written(rows.coalesce(1), "query", str(tmp_path / "queries")).collect()] == [1]
    table = pq.read_table(tmp_path / "queries")
    assert table.to_pylist() == [{"query_text": "lamp", "cand_query_text": "red lamp"}]
    assert written(rows.where("false"), "query", str(tmp_path / "none")).groupBy().sum("n").collect()[0][0] in (0, None)
