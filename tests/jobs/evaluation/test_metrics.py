from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from jobs.evaluation.metrics import Metric, write
from jobs.store import Store
from schemas.evaluation import METRICS

DAY = "2026-01-31"


def test_measuring_again_replaces_what_the_evaluation_said_of_the_data_set_that_day(spark: SparkSession, warehouse: Path) -> None:
    store = Store(spark, str(warehouse))
    write(store, "r1", "coverage", DAY, [Metric("texts.pins", "all", "title", 0.5, 10, table_versions={"texts.pins": 1})])
    write(store, "r2", "coverage", DAY, [Metric("texts.products", "all", "title", 0.25, 4, lower=0.1, upper=0.4)])
    write(store, "r3", "captions", DAY, [Metric("texts.pins", "all", "title", None, 0, model_revisions={"captioner": "a" * 16})])
    write(store, "r4", "coverage", "2026-02-01", [Metric("texts.pins", "all", "title", 0.6, 10)])
    again = [
        Metric("texts.pins", "all", "title", 0.75, 12, table_versions={"texts.pins": 2}),
        Metric("texts.pins", "language=en", "title", 1.0, 1),
    ]
    done = write(store, "r5", "coverage", DAY, again)
    assert done.rows == 4
    rows = {(row.ds, row.evaluation, row.data_set, row.slice): row for row in store.frame(METRICS).collect()}
    assert {key: (row.value, row["count"]) for key, row in rows.items()} == {
        (DAY, "coverage", "texts.pins", "all"): (0.75, 12),
        (DAY, "coverage", "texts.pins", "language=en"): (1.0, 1),
        (DAY, "coverage", "texts.products", "all"): (0.25, 4),
        (DAY, "captions", "texts.pins", "all"): (None, 0),
        ("2026-02-01", "coverage", "texts.pins", "all"): (0.6, 10),
    }
    assert rows[DAY, "coverage", "texts.pins", "all"].table_versions == {"texts.pins": 2}
    assert rows[DAY, "captions", "texts.pins", "all"].model_revisions == {"captioner": "a" * 16}
    assert rows[DAY, "coverage", "texts.products", "all"].upper == 0.4
    assert write(store, "r6", "coverage", DAY, again).version is None, "the same again writes nothing"
