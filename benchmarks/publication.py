"""The fixed cost of a small publication: stage, audit, digest, commit, against a bare `replaceWhere` of the same 200 rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.timing import Ratio, keep, ratio
from jobs.days import Days, shifted
from jobs.publication import Step, publish
from jobs.session import session
from jobs.settings import load
from jobs.store import Store
from schemas import signals

ROWS = 200
FIRST = "2026-01-01"
TABLE = signals.ENGAGEMENT_DAILY


def measure() -> list[Ratio]:
    """Ratios of a publication, and of a rerun that finds nothing to publish, to a bare write of the same day."""
    with tempfile.TemporaryDirectory() as folder:
        spark = session(load({"master": "local[2]", "warehouse": str(Path(folder) / "lake")}))
        store = Store(spark, str(Path(folder) / "lake"))
        names = {c.name: c for c in TABLE.fields}
        counts = {name: F.col("id") for name, c in names.items() if c.type == "bigint"}
        text = {"entity_type": F.lit("pin"), "entity_id": F.concat(F.lit("p"), F.col("id")), "query": F.concat(F.lit("q"), F.col("id"))}

        def day(n: int) -> str:
            return shifted(FIRST, n + 10)

        def rows(n: int) -> DataFrame:
            values = counts | text | {"ds": F.lit(day(n))}
            return spark.range(ROWS).select(*(values[name].alias(name) for name in names))

        def with_refused(n: int) -> DataFrame:
            none = F.lit(None).cast("string")
            return rows(n).withColumn("refused", none).withColumn("refused_key", none)

        def published(n: int) -> None:
            publish(store, f"run{n + 10}", Step("bench", TABLE, Days(day(n), day(n))), with_refused(n))

        def bare(n: int) -> None:
            write = rows(n).write.format("delta").mode("overwrite").partitionBy("ds").option("replaceWhere", f"ds = '{day(n)}'")
            write.save(f"{folder}/bare")

        found = [ratio("publication_of_200_rows/bare_replace_where", published, bare, "1: no staging, no audit")]
        found.append(ratio("unchanged_rerun_of_200_rows/bare_replace_where", published, bare, "0: nothing is written"))
        spark.stop()
    keep("publication", found, {"rows": ROWS, "table": TABLE.name})
    return found
