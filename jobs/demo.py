"""The demo: a sample lake, the nightly texts over all its days, a small teacher, the labels of a day, and a look at what came out."""

from __future__ import annotations

import time
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.commands import Lake, as_of, progress
from jobs.days import Days, shifted
from jobs.describing import aligned
from schemas import labels, state, texts

FIRST = "2026-01-01"
SPARK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"}
"""Small tables and many short queries: the JVM's optimising compiler costs them twice the time that it saves."""

PARAMS = {
    "train_teacher": {"minutes": 0.6, "warm_pairs": 600, "epochs": 2},
    "teacher_examples": {"validation": 0.15, "test": 0.25},
    "candidates": {"size": 400},
}
"""Few people graded the small lake, so a teacher is soon trained; what it says of some hundred pairs shows what labels are."""


def play(lake: Lake, pins: int, days: int) -> str:
    """Runs the demo and returns its last screen: what was written, captions, coverage, three pins before and after, a product, labels."""
    started = time.time()
    span = Days(FIRST, shifted(FIRST, days - 1))
    progress(f"1/6  a sample lake of {pins} pins and {days} days in {lake.settings.warehouse}")
    raw_written, _ = lake.sample(pins, span, seed=7)
    progress(f"2/6  all days but the last, {span.first}..{shifted(span.last, -1)}: pinlake backfill nightly")
    before, _ = lake.run("nightly", Days(span.first, shifted(span.last, -1)), upstream=True, force=False)
    progress(f"3/6  a night, {span.last}: pinlake run nightly --day {span.last}")
    night, _ = lake.run("nightly", Days(span.last, span.last), upstream=True, force=True)
    progress(f"4/6  a teacher of what people graded: pinlake run teacher --day {span.last}")
    taught, _ = lake.run("teacher", Days(span.last, span.last), upstream=True, force=True)
    progress(f"5/6  the labels of a day: pinlake run labels --day {span.last}")
    labelled, _ = lake.run("labels", Days(span.last, span.last), upstream=True, force=True)
    progress("6/6  what came out")
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
        a_teacher(taught, labelled),
        five_labels(lake, span.last),
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


def a_teacher(taught: dict[str, Any], labelled: dict[str, Any]) -> str:
    """What the teacher was trained on, why it counts or does not, and how many pairs it was asked about."""
    model, examples = taught["jobs"]["train_teacher"]["model"], taught["jobs"].get("teacher_examples", {"rows": 0})
    counts = "counts" if model["promoted"] else "does not count"
    asked = labelled["jobs"].get("teacher_answers", {"asked": 0, "kept": 0})
    return (
        f"teacher {model['content_hash'][:16]}: trained on {examples['rows']} graded pairs, {counts}: {model['why']}\n"
        f"labels: {asked['asked']} pairs were asked about, {asked['kept']} known"
    )


def five_labels(lake: Lake, day: str) -> str:
    """Five pairs that nobody graded, from the most to the least relevant, as the teacher read them and what it says of them."""
    if day not in lake.store.ledger(labels.TEACHER_SCORES).days:
        return "no labels: no teacher counts"
    pair = ["ds", "request_key"]
    scores = lake.store.frame(labels.TEACHER_SCORES).where(F.col("ds") == day)
    read = lake.store.frame(labels.CANDIDATES).select(*pair, "text")
    place = F.percent_rank().over(Window.orderBy(F.desc("expected_grade"), "request_key"))
    fifths = scores.join(read, pair).withColumn("_fifth", F.floor(place * 4.999))
    first = F.row_number().over(Window.partitionBy("_fifth").orderBy(F.desc("expected_grade"), "request_key"))
    rows = fifths.withColumn("_n", first).where("_n = 1").orderBy("_fifth").collect()  # five rows
    blocks = []
    for row in rows:
        text = "\n".join(f"    {line[:150]}" for line in row.text.split("\n")[:4])
        told = " ".join(f"{p:.2f}" for p in row.probabilities)
        blocks.append(f"{row.query}: grade {row.grade}, expected {row.expected_grade:.2f} (1 to 5: {told})\n{text}")
    return "\n".join(blocks)
