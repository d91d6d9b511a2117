"""Inputs that are not as they were, that cannot be read, and a disk that is full."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from jobs import given
from jobs.days import Days
from jobs.demo import SPARK
from jobs.errors import PinlakeError
from jobs.failures import explained
from jobs.imports.mapping import parsed
from jobs.imports.read import frames
from jobs.store import Store
from schemas import raw
from tests.jobs.toys import updates
from tests.promises.counted import Promise

ROOT = Path(__file__).parents[2]
PINLAKE = Path(sys.executable).with_name("pinlake")
DAY = "2026-01-06"
MAPPING = """[raw.product_updates]
product_id = "id"
title = "name"
price = "price"
colors = { transform = "split", of = "colors", separator = "|" }
deleted = "gone"
"""
GOOD: dict[str, Any] = {
    "id": ["a", "b"],
    "name": ["Tin", "Bowl"],
    "price": [1.5, 2.0],
    "colors": ["red|blue", "red"],
    "gone": [False, False],
}
MUTATIONS: dict[str, Any] = {
    "as it was": lambda c: c,
    "one more column": lambda c: {**c, "more": [1, 2]},
    "other order": lambda c: dict(reversed(list(c.items()))),
    "large strings": lambda c: {**c, "name": pa.array(c["name"], pa.large_string())},
    "dictionary": lambda c: {**c, "name": pa.array(c["name"]).dictionary_encode()},
    "decimal": lambda c: {**c, "price": pa.array([1, 2], pa.decimal128(9, 2))},
    "whole numbers": lambda c: {**c, "price": [1, 2]},
    "numbers as text": lambda c: {**c, "price": ["1.5", "2.0"]},
    "text in numbers": lambda c: {**c, "price": ["1.5", "cheap"]},
    "ids as numbers": lambda c: {**c, "id": [1, 2]},
    "ids as bytes": lambda c: {**c, "id": [b"a", b"b"]},
    "ids as lists": lambda c: {**c, "id": [["a"], ["b"]]},
    "ids missing in a row": lambda c: {**c, "id": ["a", None]},
    "ids twice": lambda c: {**c, "id": ["a", "a"]},
    "ids as structs": lambda c: {**c, "id": [{"x": "a"}, {"x": "b"}]},
    "flags as text": lambda c: {**c, "gone": ["no", "false"]},
    "flags as numbers": lambda c: {**c, "gone": [0, 1]},
    "flags as words": lambda c: {**c, "gone": ["perhaps", "false"]},
    "flags as dates": lambda c: {**c, "gone": pa.array([1, 2], pa.date32())},
    "lists as lists": lambda c: {**c, "colors": [["red"], ["blue"]]},
    "lists as numbers": lambda c: {**c, "colors": [1, 2]},
    "names as bytes": lambda c: {**c, "name": [b"a", b"b"]},
    "names as times": lambda c: {**c, "name": pa.array([1, 2], pa.timestamp("us"))},
    "all null": lambda c: {**c, "price": pa.array([None, None], pa.null())},
    "huge numbers": lambda c: {**c, "price": ["1e999", "2"]},
    "not a number": lambda c: {**c, "price": ["nan", "2"]},
    "names in capitals": lambda c: {k.upper(): v for k, v in c.items()},
    "names with blanks": lambda c: {f" {k} ": v for k, v in c.items()},
    **{f"without {name}": (lambda c, name=name: {k: v for k, v in c.items() if k != name}) for name in GOOD},
    **{f"{name} renamed": (lambda c, name=name: {(f"{k}_new" if k == name else k): v for k, v in c.items()}) for name in GOOD},
    "prices as structs": lambda c: {**c, "price": [{"amount": 1.0}, {"amount": 2.0}]},
    "names as maps": lambda c: {**c, "name": pa.array([[("de", "Dose")], [("de", "Schale")]], pa.map_(pa.string(), pa.string()))},
}


@pytest.mark.timeout(1800)
def test_11_changed_columns_are_refused_by_name_or_mapped_and_never_silently_null(spark, tmp_path, promise: Promise) -> None:
    """Of a value that the file has, the row has it too, or is refused with a reason that names the column; else the file is refused."""
    chosen = list(MUTATIONS.items())
    random.Random(promise.seed).shuffle(chosen)
    for name, change in chosen[: promise.of(4, len(chosen))]:
        columns = change(dict(GOOD))
        path = tmp_path / f"{name.replace(' ', '_')}.parquet"
        pq.write_table(pa.table(columns), path)
        try:
            rows = frames(spark, parsed(MAPPING, "mine", "mine.toml"), path, DAY)[raw.PRODUCT_UPDATES].collect()
        except PinlakeError as error:
            promise.held(path.name in str(error), f"{name}: the file is not named in {error}")
            continue
        sources = {"product_id": "id", "title": "name", "price": "price", "colors": "colors", "deleted": "gone"}
        have = pa.table(columns).to_pydict()
        lost = [
            target
            for target, source in sources.items()
            if any(have.get(source, [None] * 2)[n] is not None for n in range(2))
            and sum(row[target] is not None or row.refused is not None for row in rows) < sum(v is not None for v in have[source])
        ]
        promise.held(len(rows) == 2 and not lost, f"{name}: {lost} became null in {len(rows)} rows")
    assert promise.runs >= promise.of(4, 40)
    assert promise.kept(), promise.failures[:3]


@pytest.mark.timeout(3600)
def test_14_a_corrupt_or_missing_file_is_named_and_no_row_is_lost_silently(spark, tmp_path, promise: Promise) -> None:
    """Files of a published table are cut, overwritten or removed; reading it says which."""
    store, days = Store(spark, str(tmp_path / "ware house")), Days("2026-01-01", "2026-01-05")
    given.write(store, "run", "test", raw.PIN_UPDATES, updates(spark, [(day, f"p{n}", f"t {n}") for day in days for n in range(50)]), days)
    files = sorted(Path(store.path(raw.PIN_UPDATES)).glob("ds=*/*.parquet"))
    luck = random.Random(promise.seed)
    for n in range(promise.of(4, 50)):
        file = luck.choice(files)
        kept, checksum = file.read_bytes(), file.with_name(f".{file.name}.crc")
        sums = checksum.read_bytes() if checksum.exists() else None
        checksum.unlink(missing_ok=True)
        kind = n % 4
        if kind == 0:
            file.write_bytes(kept[: luck.randrange(len(kept))])
        elif kind == 1:
            file.write_bytes(luck.randbytes(len(kept)))
        elif kind == 2:
            file.unlink()
        else:
            file.write_bytes(b"")
        spark.catalog.clearCache()
        try:
            rows = store.frame(raw.PIN_UPDATES).agg(F.sum(F.hash("ds", "pin_id", "title"))).collect()
            promise.held(False, f"{n}: {rows} of a broken table")
        except Exception as error:  # noqa: BLE001 - whatever Spark, Delta or the JVM raises
            said = explained(error) or ""
            promise.held(file.name in said, f"{n}, kind {kind}: {file.name} is not in {said!r} ({str(error)[:200]})")
        file.write_bytes(kept)
        if sums is not None:
            checksum.write_bytes(sums)
    assert store.frame(raw.PIN_UPDATES).count() == 250
    assert promise.kept(), promise.failures[:3]


@pytest.mark.timeout(1800)
def test_15_a_full_disk_is_told_in_a_line_leaves_what_was_published_and_the_next_run_is_clean(spark, tmp_path, promise: Promise) -> None:
    """The system lets no file of the process grow beyond some bytes: what a full disk is to a writer, and needs no disk to be filled."""
    rounds = promise.of(0, 6)
    warehouse = tmp_path / "ware house"
    (tmp_path / "pinlake.toml").write_text(f'[spark]\n"spark.driver.extraJavaOptions" = "{SPARK["spark.driver.extraJavaOptions"]}"\n')
    sample = [str(PINLAKE), "sample", "--pins", "300", "--days", "2", "--last", "2026-01-02", "--warehouse", str(warehouse)]
    command = [str(PINLAKE), "run", "pins", "--day", "2026-01-02", "--upstream", "--warehouse", str(warehouse), "--master", "local[2]"]
    subprocess.run(sample, cwd=tmp_path, check=True, capture_output=True)
    before = {p: p.stat().st_size for p in warehouse.rglob("*.parquet")}
    luck = random.Random(promise.seed)
    for _ in range(rounds):
        kib = luck.choice((4, 8, 16))
        full = ["bash", "-c", 'ulimit -f "$1"; shift; exec "$@"', "full", str(kib), *command]
        done = subprocess.run(
            full, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "SPARK_LOCAL_DIRS": "/tmp"}
        )
        told = [line for line in done.stderr.splitlines() if line.startswith("pinlake:")]
        good = done.returncode == 1 and "no space left" in done.stderr and "Traceback" not in done.stderr and bool(told)
        same = all(p.exists() and p.stat().st_size == size for p, size in before.items())
        promise.held(good and same, f"{kib} KiB: exit {done.returncode}, {done.stderr[-300:]!r}")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    promise.held(done.returncode == 0, done.stderr[-300:])
    assert promise.kept(), promise.failures[:3]
