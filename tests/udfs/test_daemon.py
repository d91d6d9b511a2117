"""Workers of one machine: no archive on their path, what all of them import imported before they are forked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from udfs.daemon import leave_out_archives


def test_archives_and_what_is_known_of_them_are_left_out_in_place():
    path = ["/a folder", "/lib/pyspark.zip", "/jars/core.jar", "/zip", ""]
    importers: dict[str, object] = dict.fromkeys([*path, "/lib/pyspark.zip/pyspark/sql", "/a folder/x"])
    leave_out_archives(path, importers)
    assert path == ["/a folder", "/zip", ""]
    assert list(importers) == ["/a folder", "/zip", "", "/a folder/x"]


def test_a_worker_has_no_archive_on_its_path_and_shares_what_every_worker_imports(spark: SparkSession) -> None:
    @F.pandas_udf("array<string>")
    def seen(numbers: pd.Series) -> pd.Series:
        import gc
        import sys

        archives = [where for where in [*sys.path, *sys.path_importer_cache] if ".zip" in where or ".jar" in where]
        return pd.Series([[sys.modules["pyspark"].__file__, str(gc.get_freeze_count() > 10_000), *archives]] * len(numbers))

    found = spark.range(2).select(seen("id").alias("seen")).distinct().collect()
    assert [row.seen for row in found] == [[str(Path(pyspark.__file__)), "True"]]
