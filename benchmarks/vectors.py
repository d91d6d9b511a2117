"""Vectors as they are stored, little-endian fp16, beside array<float>: ratio 13 of what is promised."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pyspark.sql import functions as F

from benchmarks.timing import SCALE, Ratio, between, exact, keep, rounds
from jobs.session import session
from jobs.settings import load as settings
from models.columns import halves_of, vectors_of
from models.nearest import nearest
from udfs.vectors import as_halves

ROWS, WIDTH = int(600_000 * SCALE), 256
SEARCHED, QUERIES, K = int(100_000 * SCALE), 500, 10
PAIRS = 5


def measure() -> list[Ratio]:
    """The ratios, on this machine's cores."""
    luck = np.random.default_rng(13)
    vectors = luck.normal(size=(ROWS, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [*_stored(folder, vectors), _recall(vectors)]
    keep("vectors", found, {"rows": ROWS, "width": WIDTH})
    return found


def _stored(folder: Path, vectors: np.ndarray) -> list[Ratio]:
    """Written by Spark from its memory, where jobs have them as they are stored; read back as one tensor; how many bytes there are."""
    flat = pa.array(vectors.reshape(-1))
    lists = pa.ListArray.from_arrays(pa.array(np.arange(len(vectors) + 1, dtype=np.int32) * WIDTH), flat)
    pq.write_table(pa.table({"n": np.arange(len(vectors)), "vector": lists}), folder / "given.parquet", row_group_size=len(vectors) // 4)
    spark = session(settings({"warehouse": str(folder / "lake")}))
    given = spark.read.parquet(str(folder / "given.parquet"))
    frames = {"array": given.persist(), "halves": given.withColumn("vector", as_halves(F.col("vector"))).persist()}
    for frame in frames.values():
        frame.count()

    def write(form: str) -> None:
        shutil.rmtree(folder / form, ignore_errors=True)
        frames[form].write.format("delta").save(str(folder / form))

    def read(form: str) -> torch.Tensor:
        column = pq.read_table(folder / form, columns=["vector"])["vector"]
        if form == "array":
            return torch.from_numpy(np.array(vectors_of(column, WIDTH)))
        return torch.from_numpy(np.concatenate([halves_of(chunk)[0] for chunk in column.chunks]).reshape(-1, WIDTH))

    written = rounds({form: lambda n, form=form: write(form) for form in frames}, PAIRS, warm=1)  # type: ignore[misc]
    taken = rounds({form: lambda n, form=form: read(form) for form in frames}, PAIRS, warm=1)  # type: ignore[misc]
    sizes = {form: sum(file.stat().st_size for file in (folder / form).glob("*.parquet")) for form in frames}
    spark.stop()
    return [
        between("13_write_array/halves", written["array"], written["halves"], "-; pass 2, aim 4"),
        between("13_read_array/halves", taken["array"], taken["halves"], "-; pass 3, aim 6"),
        exact("13_bytes_halves/array", sizes["halves"] / sizes["array"], "-; pass .53, aim .51"),
    ]


def _recall(vectors: np.ndarray) -> Ratio:
    """Which share of the ten nearest by fp32 are the ten nearest by what is stored."""
    candidates, queries = vectors[:SEARCHED], vectors[-QUERIES:]
    _, exact_places = nearest(queries, candidates, K)
    _, stored = nearest(queries, candidates.astype(np.float16).astype(np.float32), K)
    same = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact_places, stored, strict=True)])
    return exact("13_recall@10_of_halves", float(same), "1; pass .999")
