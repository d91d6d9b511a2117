"""The demo: a sample lake, the nightly pin texts over all its days, and a look at what came out."""

from __future__ import annotations

import time

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.commands import Lake, as_of, progress
from jobs.days import Days, shifted
from jobs.describing import aligned
from schemas import state, texts

FIRST = "2026-01-01"
SPARK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"}
"""Small tables and many short queries: the JVM's optimising compiler costs them twice the time that it saves."""


def play(lake: Lake, pins: int, days: int) -> str:
    """Runs the demo and returns its last screen: what was written, coverage by source, and three pins before and after."""
    started = time.time()
    span = Days(FIRST, shifted(FIRST, days - 1))
    progress(f"1/4  a sample lake of {pins} pins and {days} days in {lake.settings.warehouse}")
    raw_written, _ = lake.sample(pins, span, seed=7)
    progress(f"2/4  all days but the last, {span.first}..{shifted(span.last, -1)}: pinlake backfill nightly")
    before, _ = lake.run("nightly", Days(span.first, shifted(span.last, -1)), upstream=True, force=False)
    progress(f"3/4  a night, {span.last}: pinlake run nightly --day {span.last}")
    night, _ = lake.run("nightly", Days(span.last, span.last), upstream=True, force=True)
    progress("4/4  what came out")
    rows = [("table", "rows", "of the last night", "quarantined")]
    for name, one in before["jobs"].items():
        last = night["jobs"].get(name, {"rows": 0, "quarantined": 0})
        rows.append((one["output"], str(one["rows"] + last["rows"]), str(last["rows"]), str(one["quarantined"] + last["quarantined"])))
    written = sum(one["rows"] for one in raw_written["tables"].values())
    live = as_of(lake.store.frame(texts.PINS), texts.PINS, span.last, span.first).persist()
    authors = as_of(lake.store.frame(state.PINS), state.PINS, span.last, span.first)
    parts = [
        f"raw tables: {written} rows\n\n{aligned(rows)}",
        f"coverage of {live.count()} live pins by text source:\n{coverage(live)}",
        three_pins(authors, live),
        f"{time.time() - started:.0f} s. Look further: pinlake describe texts.pins --warehouse {lake.settings.warehouse}; "
        f"pinlake quarantine show --warehouse {lake.settings.warehouse}; pinlake runs --warehouse {lake.settings.warehouse}",
    ]
    live.unpersist()
    return "\n\n".join(parts)


def coverage(live: DataFrame) -> str:
    """The share of pins that have each source, as text."""
    shares = [F.avg(F.array_contains("sources", source).cast("double")).alias(source) for source in texts.SOURCES]
    row = live.agg(*shares, F.avg((F.size("sources") > 0).cast("double")).alias("any source")).collect()[0]
    return aligned([(f"  {name}", f"{100 * (row[name] or 0):.0f} %") for name in (*texts.SOURCES, "any source")])


def three_pins(authors: DataFrame, live: DataFrame) -> str:
    """Three pins as their authors wrote them, and as a model reads them: those with most sources, one of them without a title."""
    both = live.alias("t").join(authors.alias("a"), "pin_id").withColumn("_n", F.size("t.sources"))
    picked = [F.col("pin_id"), F.col("a.title").alias("title"), F.col("a.description").alias("description"), F.col("t.text").alias("text")]
    order = [F.desc("_n"), F.xxhash64("pin_id"), F.col("pin_id")]
    rich = both.where("a.title is not null").orderBy(*order).select(*picked).limit(2)
    bare = both.where("a.title is null and a.description is null").orderBy(*order).select(*picked).limit(1)
    blocks = []
    for row in rich.unionByName(bare).collect():  # three rows
        text = "\n".join(f"    {line[:150]}" for line in row.text.split("\n"))
        before = f"{row.title or '(no title)'} / {(row.description or '(no description)')[:100]}"
        blocks.append(f"pin {row.pin_id}\n  before: {before}\n  after:\n{text}")
    return "\n".join(blocks)
