"""Computes one digest again and again on a local cluster, an executor killed in each: `shuffling.py ROUNDS honest|attempt`.

`attempt` also counts the task attempt into every row: what must come out otherwise once tasks are tried again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from pyspark import TaskContext
from pyspark.sql import functions as F

from features.logs import as_log, summed
from jobs.demo import SPARK
from jobs.session import session
from jobs.settings import load

ROWS = 400_000


def executors() -> list[int]:
    """The processes of the cluster's executors."""
    found = subprocess.run(["pgrep", "-f", "CoarseGrainedExecutorBackend"], capture_output=True, text=True, check=False).stdout
    mine, pids = os.getsid(0), [int(pid) for pid in found.split()]
    return [pid for pid in pids if _session(pid) == mine]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def main() -> None:
    """Prints the digests, and how many executors were killed while one was computed."""
    rounds, kind = int(sys.argv[1]), sys.argv[2]
    wanted = {"spark.sql.shuffle.partitions": "8", "spark.task.maxFailures": "20", "spark.stage.maxConsecutiveAttempts": "20", **SPARK}
    wanted["spark.executor.extraJavaOptions"] = SPARK["spark.driver.extraJavaOptions"]
    wanted["spark.deploy.maxExecutorRetries"] = "-1"
    wanted["spark.sql.adaptive.enabled"] = "true"
    spark = session(load({"master": "local-cluster[2,1,1024]", "driver_memory": "1g", "spark": wanted}))

    @F.udf("int")
    def attempt(_: int) -> int:
        context = TaskContext.get()
        return int(context.attemptNumber() + context.stageAttemptNumber()) if context is not None else 0

    def digest() -> str:
        day = F.format_string("2026-01-%02d", (F.col("id") % 9 + 1).cast("int"))
        rows = spark.range(0, ROWS, 1, 8).select(
            day.alias("ds"),
            (F.col("id") % 1_009).cast("string").alias("parent"),
            F.col("id").cast("string").alias("url"),
            (F.col("id") % 13).alias("weight"),
            F.lit(False).alias("deleted"),
            F.lit(True).alias("changed"),
        )
        if kind == "attempt":
            rows = rows.withColumn("weight", F.col("weight") + attempt("id"))
        log = as_log(rows, "2026-01-01", "2026-01-09", ("parent", "url"))
        sums = summed(log, ("parent",), ("parent", "url"), ("weight",))
        value = F.xxhash64("ds", "parent", "weight").cast("decimal(38,0)")
        return str(sums.groupBy().agg(F.sum(value)).first()[0])

    luck, digests, killed = random.Random(7), [digest()], 0
    started = time.monotonic()
    digest()
    usual = time.monotonic() - started

    def kill(after: float) -> None:
        nonlocal killed
        time.sleep(after)
        if there := executors():
            os.kill(luck.choice(there), signal.SIGKILL)
            killed += 1

    for _ in range(rounds):
        while len(executors()) < 2:
            time.sleep(0.2)
        thread = threading.Thread(target=kill, args=(luck.uniform(0.1, 0.9) * usual,))
        thread.start()
        digests.append(digest())
        thread.join()
    spark.stop()
    print(json.dumps({"digests": digests, "killed": killed}))


if __name__ == "__main__":
    main()
