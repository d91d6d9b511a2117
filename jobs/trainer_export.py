"""`pinlake export omnisearchsage` and `query_encoder`: training rows as the authors' public trainer reads them, a folder a task, and the
vocabularies; and what an online server needs for queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.describing import aligned
from jobs.errors import PinlakeError
from jobs.exporting import whole
from jobs.model_plan import Models
from jobs.registry import train
from schemas import embeddings, training
from schemas.contract import Table
from schemas.embeddings import GRAMS, NAMES, VECTORS
from udfs.trainer_files import written

if TYPE_CHECKING:
    from jobs.commands import Lake

NAME, QUERY_ENCODER = "omnisearchsage", "query_encoder"
READ: Mapping[str, tuple[Table, str]] = {
    "query_pin": (training.QUERY_PIN, "pin"),
    "query_product": (training.QUERY_PRODUCT, "product"),
    "query_product_offsite": (training.QUERY_PRODUCT_OFFSITE, "product"),
    "query_query": (training.QUERY_QUERY, "query"),
    "negatives_pin": (training.RANDOM_NEGATIVES, "pin"),
    "negatives_product": (training.RANDOM_NEGATIVES, "product"),
}
"""Folders: the table that each is made of, and of what kind its rows are."""
TABLES = tuple(dict.fromkeys((*(table for table, _ in READ.values()), embeddings.VOCABULARY)))


def export(lake: Lake, out: Path, day: str) -> tuple[dict[str, Any], str]:
    """Writes all rows up to the day, and its vocabulary, whole or not at all: as a result and as text. PinlakeError where the day is not
    computed."""
    ledgers = {table: lake.ledger_of(table, Days(day, day)) for table in TABLES}
    frames = {}
    for table, ledger in ledgers.items():
        rows = lake.store.frame(table, ledger.version)
        frames[table] = rows.where(F.col("ds") == day if table == embeddings.VOCABULARY else F.col("ds") <= day)
    with whole(out) as unfinished:
        counts = write(frames, unfinished)
    versions = {table.name: ledger.version for table, ledger in ledgers.items()}
    result = {"day": day, "versions": versions, "rows": counts, "out": str(out)}
    return result, f"{out}: training rows up to {day}\n" + aligned([(name, str(n)) for name, n in counts.items()])


def query_encoder(lake: Lake, out: Path, day: str) -> tuple[dict[str, Any], str]:
    """Writes the query encoder of the joint embedding that counts on the day as ONNX with its tokenizer, for an online server; PinlakeError
    where none counts."""
    from models.omnisearchsage import OmniSearchSage
    from models.served import export_query_encoder

    models, job = Models(lake.store, lake.settings), train("train_embeddings")
    found = models.counting(job.model, day)
    if found is None:
        raise PinlakeError(f"no joint embedding counts on {day}; run first: pinlake run embeddings --day {day}")
    folder = models.stored(found).folder
    with whole(out) as unfinished:
        export_query_encoder(OmniSearchSage.loaded(folder), folder, unfinished)
        files = {file.name: file.stat().st_size for file in sorted(unfinished.iterdir())}
    result = {"day": day, "model": found.spec, "content_hash": found.content_hash, "bytes": files, "out": str(out)}
    return result, f"{out}: {', '.join(files)} of {found.spec}"


def write(frames: Mapping[Table, DataFrame], out: Path) -> dict[str, int]:
    """Writes all folders; how many rows each has. `frames`: the rows of TABLES that count: those up to a day, and the day's vocabulary."""
    counts = {}
    for folder, (table, kind) in READ.items():
        rows = frames[table]
        if kind == "query":
            rows = rows.select("query", "cand_query")
        else:
            pair = ["query"] if table != training.RANDOM_NEGATIVES else []
            rows = rows.where(F.col("entity_type") == kind).select(*pair, F.col("entity_id").alias("key"), *NAMES, *VECTORS)
        files = written(rows, kind, str(out / folder))
        counts[folder] = files.agg(F.coalesce(F.sum("n"), F.lit(0)).alias("n")).collect()[0]["n"]  # one row
    for gram in GRAMS:
        tokens = frames[embeddings.VOCABULARY].where(F.col("gram") == gram).select("token", "idx")
        path = str(out / "vocabularies" / gram)
        tokens.repartition(1).sortWithinPartitions("idx").write.parquet(path)
        counts[f"vocabularies/{gram}"] = tokens.sparkSession.read.parquet(path).count()
    return counts
