"""Publishes state after state of a toy table, each through all checks, until it is killed: `publishing.py WAREHOUSE WRITER FIRST LAST`.

Day n of the table holds `n` rows, so that what a reader sees can be told from what was never whole.
"""

from __future__ import annotations

import sys

from jobs import given
from jobs.days import shifted
from jobs.demo import SPARK
from jobs.session import session
from jobs.settings import load
from jobs.store import Store
from schemas import raw
from tests.jobs.toys import updates

START = "2026-01-01"


def main() -> None:
    """Says `ready` once Spark is there, and the number of every state that was published."""
    warehouse, writer, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    spark = session(load({"master": "local[1]", "driver_memory": "1g", "spark": {"spark.sql.shuffle.partitions": "1", **SPARK}}))
    store = Store(spark, warehouse)
    print("ready", flush=True)
    for n in range(first, last):
        day = shifted(START, n)
        rows = updates(spark, [(day, f"p{one}", f"title {n}") for one in range(n % 7 + 1)])
        given.write(store, f"run_{writer}_{n}", writer, raw.PIN_UPDATES, rows, given.Days(day, day))
        print(n, flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
