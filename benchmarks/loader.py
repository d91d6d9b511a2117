"""Ratio 12: a Delta table to torch tensors beside a bare scan of the same columns by pyarrow, shuffled, batches of 1 024."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, write_deltalake

from benchmarks.timing import SCALE, Ratio, keep, ratio, seconds
from models.loader import Loader, delta

ROWS, WIDTH, BATCH = int(200_000 * SCALE), 384, 1_024
COLUMNS = ["query_vector", "text_vector", "numbers", "target"]
LEAST_SECONDS = 60.0 * min(SCALE, 1.0)


def measure() -> list[Ratio]:
    """How much of the speed of a bare scan the loader has: the scan's time to the loader's."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "table"
        _write(path)
        table, scanned = delta(path), ds.dataset(DeltaTable(str(path)).file_uris())
        read = {name for batch in Loader(table, COLUMNS, BATCH) for name in batch}
        assert read == set(COLUMNS)
        once = max(seconds(lambda: _scan(scanned)), seconds(lambda: _load(table, 0)))
        times = max(1, round(LEAST_SECONDS / once / 5))

        def scans(n: int) -> None:
            for _ in range(times):
                _scan(scanned)

        def loads(n: int) -> None:
            for place in range(times):
                _load(table, (n + 1) * times + place)  # the round to warm up is -1

        found = [ratio("12 bare scan / loader", scans, loads, "pass .85, aim .95", pairs=5, warm=1)]
    keep("loader", found, {"rows": ROWS, "width": WIDTH, "batch": BATCH, "scans_a_run": times})
    return found


def _write(path: Path) -> None:
    luck = np.random.default_rng(1)
    for _ in range(4):
        n = ROWS // 4
        columns = {}
        for column, width in (("query_vector", WIDTH), ("text_vector", WIDTH), ("numbers", 41), ("target", 5)):
            values = pa.array(luck.standard_normal(n * width, np.float32))
            columns[column] = pa.ListArray.from_arrays(pa.array(np.arange(0, n * width + 1, width, dtype=np.int32)), values)
        write_deltalake(str(path), pa.table(columns), mode="append")


def _scan(dataset: ds.Dataset) -> None:
    for _ in dataset.to_batches(columns=COLUMNS, batch_size=BATCH):
        pass


def _load(dataset: ds.Dataset, seed: int) -> None:
    for _ in Loader(dataset, COLUMNS, BATCH, seed=seed):
        pass
