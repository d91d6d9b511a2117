"""The demo: a sample lake, a small joint embedding, the nightly texts and vectors over all its days, a small teacher, the labels of a day,
a student, and what came out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.grades import expected
from jobs.commands import Lake, as_of
from jobs.days import Days, shifted
from jobs.describing import aligned
from jobs.registry import train
from jobs.telling import progress
from schemas import embeddings, labels, state, texts, training

FIRST = "2026-01-01"
SPARK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"}
"""Small tables and many short queries: the JVM's optimising compiler costs them twice the time that it saves."""

PARAMS = {
    "train_teacher": {"minutes": 0.5, "warm_pairs": 0, "epochs": 1, "prior_minutes": 0},
    "train_student": {"encoder_minutes": 0},
    "teacher_examples": {"validation": 0.15, "test": 0.25},
    "candidates": {"size": 200},
    "train_embeddings": {"week_days": 4, "gap_days": 2, "minutes": 1.5, "warm_queries": 6000, "query_layers": 0},
}
"""Few people graded the small lake, so a teacher is soon trained; what it says of some hundred pairs shows what labels are. Its student is
a head over the encoder as it is. Fifteen days have no gap of fifteen."""
ENGINE = {"precision": "fp32"}
"""So few pairs that a probe would take longer than it saves."""


def play(lake: Lake, pins: int, days: int) -> str:
    """Runs the demo and returns its last screen: what was written, captions, coverage, three pins and a product, labels, a student."""
    started = time.time()
    span = Days(FIRST, shifted(FIRST, days - 1))
    past = Days(span.first, shifted(span.last, -1))
    progress(f"1/8  a sample lake of {pins} pins and {days} days in {lake.settings.warehouse}")
    raw_written, _ = lake.sample(pins, span, seed=7)
    progress(f"2/8  a joint embedding of queries, pins and products: pinlake run embeddings --day {past.last}")
    joint, _ = lake.run("embeddings", Days(past.last, past.last), upstream=True, force=True)
    progress(f"3/8  all days but the last, {past}: pinlake backfill nightly")
    before, _ = lake.run("nightly", past, upstream=True, force=False)
    progress(f"4/8  a night, {span.last}, of what changed: pinlake run nightly --day {span.last}")
    night, _ = lake.run("nightly", Days(span.last, span.last), upstream=True, force=True)
    progress(f"5/8  a teacher of what people graded: pinlake run teacher --day {span.last}")
    taught, _ = lake.run("teacher", Days(span.last, span.last), upstream=True, force=True)
    progress(f"6/8  the labels of a day: pinlake run labels --day {span.last}")
    labelled, _ = lake.run("labels", Days(span.last, span.last), upstream=True, force=True)
    progress(f"7/8  a student of both: pinlake run students --day {span.last}")
    learnt, _ = lake.run("students", Days(span.last, span.last), upstream=True, force=True)
    progress("8/8  what came out")
    written = sum(one["rows"] for one in raw_written["tables"].values())
    live = as_of(lake.store.frame(texts.PINS), texts.PINS, span.last, span.first).persist()
    authors = as_of(lake.store.frame(state.PINS), state.PINS, span.last, span.first)
    products = as_of(lake.store.frame(texts.PRODUCTS), texts.PRODUCTS, span.last, span.first)
    asked = sum(run["jobs"].get("captions", {"asked": 0})["asked"] for run in (joint, before))
    kept = night["jobs"].get("captions", {"asked": 0, "kept": 0})
    look = f"--warehouse {lake.settings.warehouse}"
    parts = [
        f"raw tables: {written} rows\n\n{aligned(written_by((joint, before), night))}",
        f"captions: {asked} images were asked about, each once; of the night's, {kept['asked']} asked and {kept['kept']} known",
        lake.evaluate_coverage(Days(span.last, span.last))[1],
        three_pins(authors, live),
        a_product(products),
        a_joint_embedding(joint, before, night),
        neighbours(lake, span.last),
        a_teacher(taught, labelled),
        five_labels(lake, span.last),
        a_student(learnt),
        student_beside_teacher(lake, span.last),
        f"{time.time() - started:.0f} s. Look further: pinlake describe texts.pins {look}; pinlake quarantine show {look}; "
        f"pinlake models list {look}; pinlake runs {look}",
    ]
    live.unpersist()
    return "\n\n".join(parts)


def written_by(earlier: Sequence[dict[str, Any]], night: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows and quarantined rows by table, of all runs and of the last night's."""
    nothing = {"rows": 0, "quarantined": 0}
    outputs = {name: one["output"] for run in (*earlier, night) for name, one in run["jobs"].items()}
    rows: list[tuple[str, ...]] = [("table", "rows", "of the last night", "quarantined")]
    for name, output in outputs.items():
        ones = [run["jobs"].get(name, nothing) for run in (*earlier, night)]
        rows.append((output, str(sum(one["rows"] for one in ones)), str(ones[-1]["rows"]), str(sum(one["quarantined"] for one in ones))))
    return rows


def a_joint_embedding(joint: dict[str, Any], before: dict[str, Any], night: dict[str, Any]) -> str:
    """Why the joint embedding counts or does not, and how many inputs it was asked about at first and in the last night."""
    model = joint["jobs"]["train_embeddings"]["model"]
    counts = "counts" if model["promoted"] else "does not count"
    told = f"joint embedding {model['content_hash'][:16]}: {counts}: {model['why']}"
    if not model["promoted"]:
        return told
    first, last = (run["jobs"].get("embedding_answers", {"asked": 0, "kept": 0}) for run in (before, night))
    return (
        f"{told}\nembeddings: {first['asked']} pins, products and queries were asked about at first; of those that changed in the night "
        f"{last['asked']} asked, {last['kept']} known"
    )


def neighbours(lake: Lake, day: str) -> str:
    """The three pins nearest to each of three queries, from the tables of the night."""
    from models.columns import singles_of
    from models.nearest import nearest

    planner = lake.runner.planner()
    queries, pins = (lake.live(planner, table, day) for table in (embeddings.QUERIES, embeddings.PINS))
    said = lake.live(planner, texts.PINS, day)
    if queries is None or pins is None or said is None:
        return "no embeddings"
    asked = queries.orderBy(F.xxhash64("query"), "query").limit(3).select("query", "vector").toArrow()  # three rows
    read = (
        pins.join(said.select("pin_id", "text"), "pin_id").select("pin_id", "vector", "text").orderBy("pin_id").toArrow()
    )  # the demo's pins
    known, near = (singles_of(one["vector"].combine_chunks()) for one in (asked, read))
    _, places = nearest(known, near, 3)
    blocks = []
    for query, row in zip(asked["query"].to_pylist(), places, strict=True):
        shown = [f"    {' / '.join(read['text'][int(place)].as_py().split(chr(10))[:2])[:120]}" for place in row if place >= 0]
        blocks.append("\n".join([f"nearest pins of: {query}", *shown]))
    return "\n".join(blocks)


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


def a_student(learnt: dict[str, Any]) -> str:
    """What the student was trained on, and why it counts or does not."""
    model, examples = learnt["jobs"]["train_student"]["model"], learnt["jobs"].get("student_examples", {"rows": 0})
    counts = "counts" if model["promoted"] else "does not count"
    pairs = f"{examples['rows']} pairs that people graded or its teacher labelled"
    return f"student {model['content_hash'][:16]}: of {pairs}, {counts}: {model['why']}"


def student_beside_teacher(lake: Lake, day: str) -> str:
    """What the student says of pairs that its teacher labelled, from the most to the least relevant of them."""
    from jobs.evaluation.teacher import told
    from jobs.model_plan import Models
    from udfs.student import ASKS

    models = Models(lake.store, lake.settings)
    job, found = train("train_student"), models.counting("student", day)
    if found is None:
        return "no student counts"
    rows = lake.store.frame(training.STUDENT_EXAMPLES).where((F.col("labelled_by") == "teacher") & (F.col("ds") == day))
    rows = rows.withColumn("expected", expected(F.col("target")))
    place = F.percent_rank().over(Window.orderBy(F.desc("expected"), "example_id"))
    first = F.row_number().over(Window.partitionBy("_fifth").orderBy(F.desc("expected"), "example_id"))
    rows = rows.withColumn("_fifth", F.floor(place * 4.999)).withColumn("_n", first).where("_n = 1").orderBy("_fifth")
    few = rows.select("query", "expected", *ASKS[1:]).toArrow()  # five rows
    said = told(models.alone(job.loader, models.stored(found), job.precisions), few, lambda line: None, ASKS) @ range(1, 6)
    lines = [("query", "text", "teacher", "student")]
    for row, student in zip(few.select(["query", "text", "expected"]).to_pylist(), said, strict=True):
        lines.append((row["query"], row["text"].split("\n")[0][:60], f"{row['expected']:.2f}", f"{student:.2f}"))
    return f"expected grades of the teacher, and of the student that reads query and text apart:\n{aligned(lines)}"


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
