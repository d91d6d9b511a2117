"""Poison: malformed images, pages and texts through the real jobs, the runner and Delta: `python -m benchmarks.poison --rows 10000`.

Prints one line a promise, the seed and the failures; 1 where a promise is broken. The corpus is tests/poison; nothing of it is kept.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from benchmarks.timing import keep
from jobs import given, registry
from jobs.days import Days
from jobs.lineage import Lineage
from jobs.planner import Wanted
from jobs.runner import Runner
from jobs.session import session
from jobs.settings import load
from jobs.store import Store
from schemas import raw, signals, state
from schemas.contract import Table
from tests.poison.corpus import IMAGES, LONG_TEXT, PAGES, TEXTS, Kind, shares
from tests.poison.memory import forget_peak, peak_mb
from udfs.children.pool import Parser, Pool
from udfs.images import limits as images
from udfs.images import udf as image_udf
from udfs.pages import guard as pages
from udfs.pages import udf as page_udf

DAY = "2026-01-05"
_MOST_GROWN_MB = 64
_GRACE = 5.0


@dataclass(frozen=True)
class Step:
    """What a job made of its rows: the rows it read, those it published and those it refused; `failure`: why it did not end."""

    job: str
    read: int
    published: int
    quarantined: int
    failure: str | None

    @property
    def exact(self) -> bool:
        """True where every row is accounted for."""
        return self.read == self.published + self.quarantined


@dataclass(frozen=True)
class Cost:
    """What single rows cost a process that asks children for them: seconds, memory of its own, and what was said of them."""

    rows: int
    limit_seconds: float
    p50_seconds: float
    p99_seconds: float
    most_seconds: float
    grown_mb: float
    reasons: dict[str, int]


def write_corpus(store: Store, rows: int, seed: int, folder: Path) -> None:
    """Writes the corpus as raw tables of the day; a text is the title of a pin that links to a page of the corpus."""
    counts = shares(rows)
    _files(IMAGES, counts[IMAGES], seed, folder / "images")
    _files(PAGES, counts[PAGES], seed, folder / "pages")
    _files(TEXTS, counts[TEXTS], seed, folder / "texts")
    name, data = F.col("name").cast("string"), F.col("data").cast("string")
    page = F.concat(F.lit("page "), (F.col("number") % counts[PAGES]).cast("string"))
    columns: dict[Table, dict[str, Column]] = {
        raw.IMAGES: {"image_id": name, "image": F.col("data")},
        raw.LINK_PAGES: {"url": name, "html": F.col("data"), "http_status": F.lit(200)},
        raw.PIN_UPDATES: {"pin_id": name, "title": data, "description": F.reverse(data), "link_url": page},
    }
    for (table, values), part in zip(columns.items(), ("images", "pages", "texts"), strict=True):
        frame = _filled(store.spark.read.parquet(str(folder / part)), table, values)
        given.write(store, "poison", "poison", table, frame, Days(DAY, DAY))


def _files(kind: Kind, count: int, seed: int, folder: Path) -> None:
    """Parquet files of a few hundred rows: number, name, data."""
    folder.mkdir()
    found = list(kind.rows(count - (kind is TEXTS), seed)) + ([(b"text long", LONG_TEXT())] if kind is TEXTS else [])
    for start in range(0, count, 500):
        names, data = zip(*found[start : start + 500], strict=True)
        numbers = range(start, start + len(names))
        columns = {"number": pa.array(numbers, pa.int64()), "name": pa.array(names, pa.binary()), "data": pa.array(data, pa.binary())}
        pq.write_table(pa.table(columns), folder / f"{start:06}.parquet")


def _filled(rows: DataFrame, table: Table, values: Mapping[str, Column]) -> DataFrame:
    """The table's columns: the day, the values, and null for the others."""
    all_values = {"ds": F.lit(DAY), **values}
    return rows.select(*((all_values.get(c.name, F.lit(None)).cast(c.type)).alias(c.name) for c in table.fields))


def run_jobs(store: Store) -> list[Step]:
    """Runs the jobs over the day, one after the other, and counts what became of the rows."""
    steps = []
    for name, read in (("images", raw.IMAGES), ("link_texts", raw.LINK_PAGES), ("pins", raw.PIN_UPDATES), ("pin_texts", state.PINS)):
        job, failure = registry.job(name), None
        wanted = Wanted((job,), Days(DAY, DAY), upstream=False, force=True)
        try:
            Runner(store, Lineage(registry.JOBS), say=lambda line: print(line, flush=True)).run(wanted)
        except Exception as error:  # noqa: BLE001 - whatever ends a job is what is counted here
            failure = f"{type(error).__name__}: {error}"[:500]
        quarantined = store.quarantined([job.output], None).count()
        steps.append(Step(name, store.frame(read).count(), store.frame(job.output).count(), quarantined, failure))
    return steps


def bombs_that_passed(store: Store) -> dict[str, str]:
    """Bombs that were not refused, or for another reason than their own, each with what was said of it."""
    said = {row.row_key: row.reason for row in store.quarantined([signals.IMAGES, signals.LINK_TEXTS], None).collect()}
    expected = {name: why for kind in (IMAGES, PAGES) for name, (_, why) in kind.bombs().items()}
    found = {name: next((reason for key, reason in said.items() if f'"{name}"' in key), "not refused") for name in expected}
    return {name: found[name] for name, why in expected.items() if not re.search(f"{why}|took longer than", found[name])}


def one_by_one(kind: Kind, count: int, seed: int) -> Cost:
    """What the rows cost one after the other, without Spark."""
    parser, limits = (
        (Parser(image_udf.PARSER, "image"), images.Limits()) if kind is IMAGES else (Parser(page_udf.PARSER, "page"), pages.Limits())
    )
    pool = Pool(parser, limits)
    bombs = [data for data, _ in kind.bombs().values()]
    pool.read([("", b"warm up"), ("", max(bombs, key=len))])
    before = forget_peak()
    times, reasons = [], Counter[str]()
    for name, data in kind.rows(count, seed):
        started = time.monotonic()
        (answer,) = pool.read([(name.decode("utf-8", "replace"), data)])
        times.append(time.monotonic() - started)
        reasons[answer.refused or "read"] += 1
    pool.close()
    return Cost(
        rows=count,
        limit_seconds=limits.seconds,
        p50_seconds=statistics.median(times),
        p99_seconds=statistics.quantiles(times, n=100)[98],
        most_seconds=max(times),
        grown_mb=peak_mb() - before,
        reasons=dict(reasons.most_common()),
    )


def main(arguments: list[str]) -> int:
    """Measures, prints and writes benchmarks/results/poison.json; 1 where a promise is broken."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.poison", description=__doc__)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args(arguments)
    costs = {kind.name: one_by_one(kind, shares(asked.rows)[kind], asked.seed) for kind in (IMAGES, PAGES)}
    with tempfile.TemporaryDirectory() as folder:
        spark = session(load({"master": "local[2]", "warehouse": f"{folder}/lake"}))
        store = Store(spark, f"{folder}/lake")
        write_corpus(store, asked.rows, asked.seed, Path(folder))
        started = time.monotonic()
        steps = run_jobs(store)
        seconds = time.monotonic() - started
        passed = bombs_that_passed(store)
        spark.stop()
    failures = [f"{step.job}: {step.failure}" for step in steps if step.failure]
    promises = {
        "no job fails": not failures,
        "rows in = rows out + quarantined": all(step.exact for step in steps),
        f"{len(IMAGES.bombs()) + len(PAGES.bombs())} bombs refused": not passed,
        "p99 of a row within its limit": all(one.p99_seconds <= one.limit_seconds for one in costs.values()),
        "no row beyond its limit + 5 s": all(one.most_seconds <= one.limit_seconds + _GRACE for one in costs.values()),
        f"the asking process grows by less than {_MOST_GROWN_MB} MB": all(one.grown_mb < _MOST_GROWN_MB for one in costs.values()),
    }
    for step in steps:
        print(f"{step.job}: {step.read} rows in, {step.published} out, {step.quarantined} quarantined")
    for name, held in promises.items():
        print(f"{'holds ' if held else 'BROKEN'} {name}")
    for line in (*failures, *(f"bomb {name}: {said}" for name, said in passed.items())):
        print(line)
    print(f"rows {asked.rows}, seed {asked.seed}, jobs {len(steps)}, failures {len(failures)}")
    about = {"rows": asked.rows, "seed": asked.seed, "seconds": seconds, "promises": promises, "failures": failures}
    kept = {"jobs": [asdict(step) for step in steps], "single_rows": {name: asdict(one) for name, one in costs.items()}}
    keep("poison", [], {**about, **kept, "bombs_that_passed": passed})
    return 0 if all(promises.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
