"""The evaluation of the joint embedding that counts."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features.entities import ENTITY, inputs_then
from jobs.building import parameters
from jobs.commands import Lake, Result
from jobs.days import Days, shifted
from jobs.describing import aligned
from jobs.embeddings.train_embeddings import pairs_of
from jobs.errors import NotConnected
from jobs.evaluating import embedding_ablation
from jobs.evaluation import coverage, metrics
from jobs.evaluation import embeddings as evaluation
from jobs.evaluation import teacher as tables
from jobs.model_plan import Models
from jobs.reading import read
from jobs.registry import job, train
from jobs.spec import log
from jobs.students.pair_features import JOINT, PairFeatureParams
from jobs.telling import progress
from models.encoder import Encoder
from models.nearest import nearest
from schemas import embeddings, raw, state, training
from schemas.contract import Table
from schemas.embeddings import NAMES, TASKS, VECTORS
from udfs.queries import normalised_query

LEAD, WORDS, UNTRAINED = "omnisearchsage", "bm25", "untrained encoder"
PAIRS = {
    "query_pin": training.QUERY_PIN,
    "query_product": training.QUERY_PRODUCT,
    "query_product_offsite": training.QUERY_PRODUCT_OFFSITE,
    "query_query": training.QUERY_QUERY,
}
NEIGHBOURS = 3
"""Queries whose nearest pins are shown, and how many of those."""


def evaluated(lake: Lake, days: Days, among: int, untrained: bool, ablations: float | None) -> Result:
    """recall@10 of the joint embedding that counts on the day, on what people engaged with in the week up to it and on what they graded 4
    or 5, beside word match, search embeddings that exist already and, where it is wanted, an untrained encoder; where there are minutes for
    them, variants of its training."""
    day, store, planner = days.last, lake.store, lake.runner.planner()
    trainer = train("train_embeddings")
    models = Models(store, lake.settings)
    model, encoder = models.counting(trainer.model, day), models.start(trainer.beside, day)
    if model is None:
        raise NotConnected(f"no joint embedding counts on {day}; run first: pinlake run embeddings --day {day}")
    for table in (*PAIRS.values(), training.RANDOM_NEGATIVES):
        lake.ledger_of(table, Days(day, day))
    read_by = evaluation.asked_alone(models.alone(trainer.loader, models.stored(model), trainer.precisions))
    week = Days(shifted(day, 1 - parameters(trainer, lake.settings.params.get(trainer.name, {})).week_days), day)
    search: str = parameters(job("pair_features"), lake.settings.params.get("pair_features", {})).search
    if search == JOINT:  # which would stand beside itself
        search = PairFeatureParams().search
    known = _search_vectors(lake, day, search)
    drawn = _drawn(lake, day, among, known)
    pairs = _local(lake, _searched(_pairs(lake, week), known))
    tasks = evaluation.tasks_of(pairs, drawn, among, among)
    tasks |= _graded(lake, day, drawn, among)
    found: dict[str, Any] = {}
    for name, one in tasks.items():
        progress(f"{name}: {len(one.pairs)} pairs among {len(one.candidates)}")
        systems = {LEAD: evaluation.found_by(name, one, read_by), WORDS: evaluation.found_by_words(name, one)}
        if (existing := evaluation.found_by_search_vectors(one)) is not None:
            systems[search] = existing
        if untrained:
            systems[UNTRAINED] = evaluation.found_by_encoder(name, one, Encoder.loaded(encoder.folder))
        found[name] = evaluation.evaluated(name, one, systems)
    versions = {table.name: planner.ledger(table).version for table in (*PAIRS.values(), training.RANDOM_NEGATIVES)}
    revisions = {LEAD: model.content_hash[:16], "encoder": encoder.content_hash[:16]}
    lake.runner.account([metrics.write(store, lake.runner.run_id, "embeddings", day, tables.metrics(found, revisions, versions))])
    near = _neighbours(tasks, read_by)
    variants, kept = embedding_ablation.measured(lake, day, ablations) if ablations else ([], [])
    if kept:
        lake.runner.account([metrics.write(store, lake.runner.run_id, "embedding_ablation", day, kept)])
    result = {
        "day": day,
        "model": model.spec,
        "content_hash": model.content_hash,
        "cache_hit_rate": _hit_rate(lake, day),
        "data_sets": tables.as_json(found),
        "neighbours": near,
        "ablations": variants,
    }
    rate = result["cache_hit_rate"]
    told = [aligned(table) for table in tables.lines(found)]
    told += [aligned(table) for table in embedding_ablation.tables(variants)]
    told += [f"{query}\n" + "\n".join(f"    {line}" for line in lines) for query, lines in near.items()]
    if rate is not None:
        told.append(f"of the day's requests for queries that are kept, {rate:.1%} had a vector from the day before")
    return result, "\n\n".join(told)


def _rows(lake: Lake, table: Table) -> DataFrame:
    return lake.store.frame(table, lake.store.ledger(table).version)


def _local(lake: Lake, rows: DataFrame) -> pa.Table:
    """The rows on this machine."""
    with lake.store.held(training.QUERY_PIN, lake.runner.run_id, rows) as folder:
        return ds.dataset(folder, format="parquet").to_table()


def _pairs(lake: Lake, week: Days) -> DataFrame:
    """What people first engaged with in the week, by task, with the language and country in which it was asked, and its popularity."""
    own = (pairs_of(task, _rows(lake, table)) for task, table in PAIRS.items())
    pairs = reduce(DataFrame.unionByName, own).where(F.col("ds").between(week.first, week.last)).drop("split")
    events = _rows(lake, raw.SEARCH_EVENTS).where(F.col("ds").between(week.first, week.last))
    asked = events.groupBy(normalised_query("query").alias("query"), "language", "country").count()
    place = F.row_number().over(W.partitionBy("query").orderBy(F.desc("count"), "language", "country"))
    spoken = asked.withColumn("_place", place).where("_place = 1").select("query", "language", "country")
    popularity = F.when(F.col("popularity").isNotNull(), coverage.popularity(F.col("popularity")))
    return pairs.join(spoken, "query", "left").withColumn("popularity", popularity)


def _search_vectors(lake: Lake, day: str, name: str) -> DataFrame | None:
    """(entity_type, entity_id, vector) of embeddings that exist already, of queries too; None where none are connected."""
    live = lake.live(lake.runner.planner(), state.ENTITY_EMBEDDINGS, day)
    if live is None:
        return None
    of_entities = live.where(F.col("name") == name).select(*ENTITY, "vector")
    arrived = _rows(lake, raw.ENTITY_EMBEDDINGS).where((F.col("ds") <= day) & (F.col("entity_type") == "query") & (F.col("name") == name))
    newest = F.row_number().over(W.partitionBy("query").orderBy(F.desc("ds"), "entity_id"))
    asked = arrived.select("ds", "entity_id", normalised_query("entity_id").alias("query"), "vector").withColumn("_n", newest)
    of_queries = asked.where("_n = 1").select(F.lit("query").alias("entity_type"), F.col("query").alias("entity_id"), "vector")
    return of_entities.where("entity_type != 'query'").unionByName(of_queries)


def _searched(pairs: DataFrame, known: DataFrame | None) -> DataFrame:
    """The pairs with search_vector and query_vector, null where there is none."""
    if known is None:
        return pairs
    kind = F.create_map(*(F.lit(text) for item in TASKS.items() for text in item))[F.col("task")]
    own = known.select(F.col("entity_type").alias("_kind"), F.col("entity_id").alias("key"), F.col("vector").alias("search_vector"))
    asked = known.where("entity_type = 'query'").select(F.col("entity_id").alias("query"), F.col("vector").alias("query_vector"))
    return pairs.withColumn("_kind", kind).join(own, ["_kind", "key"], "left").drop("_kind").join(asked, "query", "left")


def _drawn(lake: Lake, day: str, among: int, known: DataFrame | None) -> pa.Table:
    """(entity_type, key, key_id, NAMES, VECTORS): pins and products of the newest cycle, at most so many of each, drawn by their hash."""
    cycle = parameters(job("random_negatives"), lake.settings.params.get("random_negatives", {})).cycle_days
    rows = _rows(lake, training.RANDOM_NEGATIVES).where(F.col("ds").between(shifted(day, 1 - cycle), day))
    newest = F.row_number().over(W.partitionBy(*ENTITY).orderBy(F.desc("ds")))
    rows = rows.withColumn("_n", newest).where("_n = 1")
    place = F.row_number().over(W.partitionBy("entity_type").orderBy(F.xxhash64(*ENTITY, F.lit(1)), "entity_id"))
    rows = rows.withColumn("_n", place).where(F.col("_n") <= among)
    if known is None:
        return _local(lake, rows.select("entity_type", *_named()))
    rows = rows.join(known.withColumnRenamed("vector", "search_vector"), list(ENTITY), "left")
    return _local(lake, rows.select("entity_type", *_named(), "search_vector"))


def _named() -> list[Column]:
    names = [F.col(name) for name in (*NAMES, *VECTORS)]
    return [F.col("entity_id").alias("key"), F.xxhash64(*ENTITY).alias("key_id"), *names]


def _graded(lake: Lake, day: str, drawn: pa.Table, among: int) -> dict[str, evaluation.Task]:
    """Pairs that people graded 4 or 5 up to the day, as tasks of their own; none where nobody graded any."""
    if not lake.store.commits(training.TEACHER_EXAMPLES):
        return {}
    rows = _rows(lake, training.TEACHER_EXAMPLES).where((F.col("ds") <= day) & (F.col("mean") >= 3.5))
    pairs = rows.withColumn("query", normalised_query("query")).groupBy("query", *ENTITY).agg(F.max("ds").alias("ds"))
    first = lake.runner.planner().first_day(embeddings.ENTITY_INPUTS) or day
    stored, span = _rows(lake, embeddings.ENTITY_INPUTS), Days(first, day)
    now, before = (read(stored, embeddings.ENTITY_INPUTS, log(lag), span, first) for lag in (0, 15))
    known = inputs_then(pairs.select("ds", *ENTITY).distinct(), now, before)
    whole = pairs.join(known, ["ds", *ENTITY]).select("entity_type", "query", F.xxhash64("query").alias("query_id"), *_named())
    local = _local(lake, whole).sort_by([("query_id", "ascending"), ("key_id", "ascending")])
    found = {}
    for kind in embeddings.KINDS:
        own = local.filter(pc.equal(local["entity_type"], kind))
        if len(own):
            rest = drawn.filter(pc.equal(drawn["entity_type"], kind))
            found[f"graded_{kind}"] = evaluation.task_of(f"graded_{kind}", own, rest, own, among)
    return found


def _hit_rate(lake: Lake, day: str) -> float | None:
    """The share of the day's requests for public queries whose vector was made by the day before; None where there is nothing to tell."""
    before, planner = shifted(day, -1), lake.runner.planner()
    known = lake.live(planner, embeddings.QUERIES, before)
    public = lake.live(planner, embeddings.HEAD_QUERIES, day)
    if known is None or public is None:
        return None
    events = _rows(lake, raw.SEARCH_EVENTS).where(F.col("ds") == day)
    asked = events.select("request_id", normalised_query("query").alias("query")).distinct()
    hit = asked.join(public.select("query"), "query", "left_semi")
    hit = hit.join(known.select("query", F.lit(True).alias("_known")), "query", "left")
    row = hit.agg(F.count(F.lit(1)).alias("all"), F.count("_known").alias("known")).collect()[0]  # one row
    return row["known"] / row["all"] if row["all"] else None


def _neighbours(tasks: dict[str, evaluation.Task], read_by: evaluation.Read) -> dict[str, list[str]]:
    """The nearest candidates of some queries, as the words that say most of them."""
    one = tasks.get("query_pin")
    if one is None:
        return {}
    counts = one.pairs.group_by("query").aggregate([([], "count_all")]).sort_by([("count_all", "descending"), ("query", "ascending")])
    queries = counts["query"].slice(0, NEIGHBOURS)
    vectors = read_by({name: one.candidates[name] for name in (*NAMES, *VECTORS)}, len(one.candidates))
    _, places = nearest(read_by({"query": queries}, len(queries)), vectors, NEIGHBOURS)
    shown = one.candidates.select(["canonical_desc", "image_caption", "rich_pin_title", "key"]).to_pylist()
    told = [next(value for value in row.values() if value).split("\n")[0][:100] for row in shown]
    return {query: [told[place] for place in row if place >= 0] for query, row in zip(queries.to_pylist(), places, strict=True)}


assert set(PAIRS) == set(TASKS)
