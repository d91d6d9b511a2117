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
SPARK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"}
"""Small tables and many short queries: the JVM's optimising compiler costs them twice the time that it saves."""


def play(lake: Lake, pins: int, days: int) -> str:
    """Runs the demo and returns its last screen: what was written, captions, coverage, three pins before and after, and a product."""
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
    products = as_of(lake.store.frame(texts.PRODUCTS), texts.PRODUCTS, span.last, span.first)
    asked, kept = before["jobs"].get("captions", {"asked": 0})["asked"], night["jobs"].get("captions", {"asked": 0, "kept": 0})
    look = f"--warehouse {lake.settings.warehouse}"
    parts = [
        f"raw tables: {written} rows\n\n{aligned(rows)}",
        f"captions: {asked} images were asked about, each once; of the night's, {kept['asked']} asked and {kept['kept']} known",
        lake.evaluate_coverage(Days(span.last, span.last))[1],
        three_pins(authors, live),
        a_product(products),
        f"{time.time() - started:.0f} s. Look further: pinlake describe texts.pins {look}; pinlake quarantine show {look}; "
        f"pinlake models list {look}; pinlake runs {look}",
    ]
    live.unpersist()
    return "\n\n".join(parts)


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


def a_product(live: DataFrame) -> str:
    """The product with most sources, as a model reads it."""
    row = live.orderBy(F.desc(F.size("sources")), F.xxhash64("product_id"), "product_id").select("product_id", "text").first()
    if row is None:
        return "no product"
    return "\n".join([f"product {row.product_id}", *(f"    {line[:150]}" for line in row.text.split("\n"))])
