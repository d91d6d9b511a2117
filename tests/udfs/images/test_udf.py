from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from tests.poison.pictures import good
from udfs.images.limits import Limits
from udfs.images.udf import read_headers

MISBEHAVING = "tests.udfs.children.parsers:hang_or_header"


def test_an_image_that_never_returns_is_refused_and_all_others_and_their_columns_are_kept(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(good()["gif"])
    rows = [(n, [n], good()["png"], None) for n in range(20)] + [(20, [], b"hang", None), (21, None, None, str(tmp_path / "a.gif"))]
    images = spark.createDataFrame(rows, "n int, other array<int>, image binary, uri string").repartition(2, "n")
    read = read_headers(images, Limits(seconds=3.0), (str(tmp_path),), MISBEHAVING)
    assert read.columns == ["n", "other", "image_hash", "format", "width", "height", "refused"]
    found = {row.n: row for row in read.collect()}
    assert {row.refused for n, row in found.items() if n != 20} == {None}
    assert found[20].refused == "the image took longer than 3 seconds"
    assert {n: row.other for n, row in found.items()} == {n: other for n, other, _, _ in rows}
    assert (len(found), found[3].format, found[21].format) == (22, "png", "gif")
