from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.sources import listed, pointing


def test_entities_that_point_to_what_moved_are_found_by_every_kind_of_pointer_and_by_no_other(spark: SparkSession) -> None:
    rows = [
        ("page", "u1", ["x"]),
        ("image", "u9", ["x", "i1"]),
        ("other kind", "i1", ["u1"]),
        ("nothing", None, None),
        ("null", "u9", [None]),
    ]
    log = spark.createDataFrame(rows, "id string, url string, images array<string>").withColumnRenamed("id", "pin_id")
    moved = {kind: spark.createDataFrame([(one,)], f"{kind} string") for kind, one in (("url", "u1"), ("image", "i1"))}
    found = pointing(log, "pin_id", {"url": F.array("url"), "image": F.col("images")}, moved).collect()
    assert sorted(row.pin_id for row in found) == ["image", "page"]
    with pytest.raises(ValueError, match="the same kinds: \\['url'\\], \\['image', 'url'\\]"):
        pointing(log, "pin_id", {"url": F.array("url")}, moved)


def test_the_texts_of_a_list_are_in_its_order_and_an_empty_one_is_null(spark: SparkSession) -> None:
    rows = [(1, [("b", 2), ("a", 1)]), (2, []), (3, None)]
    frame = spark.createDataFrame(rows, "n int, ranked array<struct<title:string,score:int>>")
    found = {row.n: row.titles for row in frame.select("n", listed(F.col("ranked"), "title").alias("titles")).collect()}
    assert found == {1: ["b", "a"], 2: None, 3: None}
