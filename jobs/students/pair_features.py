"""features.pairs: how a query and an entity's sources match, and what people did with the entity after the query."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.assembly import PinAssembly, ProductAssembly
from features.engagement import PAIR
from features.matching import bm25, matched_text, phrase, share
from features.past_texts import sources_then
from features.words import words
from jobs.labelled import labelled_pairs
from schemas.features import MATCHED
from udfs.queries import normalised_query
from udfs.vectors import as_floats

COUNTED = ("impressions", "clicks", "long_clicks", "saves")
ENTITY = ("entity_type", "entity_id")
JOINT = "omnisearchsage"
"""The name of the tables embeddings.queries, .pins and .products."""


@dataclass(frozen=True)
class PairFeatureParams:
    """Which embeddings the cosine is of; ValueError for no name."""

    search: str = "searchsage"
    """The name under which raw.entity_embeddings holds both queries and entities; JOINT for those of the joint embedding."""

    def __post_init__(self) -> None:
        if not self.search:
            raise ValueError("search names the embeddings of queries and entities, such as searchsage")


def build(
    candidates: DataFrame,
    examples: DataFrame,
    pins: DataFrame,
    pins_before: DataFrame,
    products: DataFrame,
    products_before: DataFrame,
    corpus: DataFrame,
    totals: DataFrame,
    embeddings: DataFrame,
    arrived: DataFrame,
    query_vectors: DataFrame,
    pin_vectors: DataFrame,
    product_vectors: DataFrame,
    params: PairFeatureParams,
) -> DataFrame:
    """A row for every pair of a day that somebody labels; of an entity that did not live then, no match is known.

    Boards, queries and `totals` are of 15 days earlier; `corpus` are the words of the newest frozen day.
    """
    pairs = logs.kept(labelled_pairs(candidates, examples))
    texts = {"pin": (pins, pins_before, PinAssembly()), "product": (products, products_before, ProductAssembly())}
    found: DataFrame | None = None
    for kind, (now, before, assembly) in texts.items():
        own = pairs.where(F.col("entity_type") == kind)
        wanted = own.select("ds", F.col("entity_id").alias(f"{kind}_id")).distinct()
        then = sources_then(wanted, kind, now, before, assembly)
        types = dict(then.dtypes)
        parted = [F.struct(F.lit(source).alias("source"), words(matched_text(kind, source, types)).alias("words")) for source in MATCHED]
        read = then.select("ds", F.col(f"{kind}_id").alias("entity_id"), F.array(*parted).alias("_sources"))
        one = own.join(read, ["ds", "entity_id"], "left")
        found = one if found is None else found.unionByName(one)
    assert found is not None
    rows = _matched(found, corpus)
    counts = logs.as_of(pairs.select("ds", *PAIR), totals, PAIR, COUNTED)
    asked = pairs.select("ds", "query").distinct()
    entities = pairs.select("ds", *ENTITY).distinct()
    if params.search == JOINT:
        queries = _decoded(logs.as_of(asked, query_vectors, ("query",), ("vector",)))
        known = _decoded(_of_kind(entities, pin_vectors, "pin").unionByName(_of_kind(entities, product_vectors, "product")))
    else:
        queries = _newest(asked, arrived, params.search)
        known = logs.as_of(entities, embeddings.where(F.col("name") == params.search).drop("name"), ENTITY, ("vector",))
    rows = rows.join(counts, ["ds", *PAIR], "left").join(_cosines(pairs, queries, known), ["ds", *PAIR], "left")
    return rows.withColumns({name: F.coalesce(name, F.lit(0)) for name in COUNTED})


def _matched(rows: DataFrame, corpus: DataFrame) -> DataFrame:
    """The pairs with `matches`; `rows`: pairs with `_sources`, the words of each of MATCHED, null where the entity is not known."""
    asked = rows.select("ds", "query", "entity_type").distinct().withColumn("_asked", words(F.col("query")))
    frozen = corpus.select(F.col("ds").alias("_since")).distinct()
    frozen = frozen.withColumn("_until", F.coalesce(F.lead("_since").over(W.orderBy("_since")), F.lit(logs.END)))
    counted = (F.col("_since") <= F.col("ds")) & (F.col("ds") < F.col("_until"))
    asked = asked.join(F.broadcast(frozen), counted, "left").drop("_until")
    by_word = asked.select("ds", "query", "entity_type", "_since", F.explode(F.array_distinct("_asked")).alias("word"))
    known = corpus.withColumnRenamed("ds", "_since").join(by_word, ["_since", "entity_type", "word"])
    by_source = known.groupBy("ds", "query", "entity_type", "source").agg(
        F.map_from_entries(F.collect_list(F.struct("word", "entities"))).alias("found_in")
    )
    totals = corpus.groupBy(F.col("ds").alias("_since"), "entity_type", "source").agg(
        F.max("total_entities").alias("n"), F.max("total_words").alias("all")
    )
    totals = totals.groupBy("_since", "entity_type").agg(
        F.map_from_entries(F.collect_list(F.struct("source", F.struct("n", "all")))).alias("_totals")
    )
    found_in = by_source.groupBy("ds", "query", "entity_type").agg(
        F.map_from_entries(F.collect_list(F.struct("source", "found_in"))).alias("_found")
    )
    asked = asked.join(F.broadcast(totals), ["_since", "entity_type"], "left").join(found_in, ["ds", "query", "entity_type"], "left")
    rows = rows.join(asked.drop("_since"), ["ds", "query", "entity_type"])

    def match(one: Column) -> Column:
        text, asked = one["words"], F.col("_asked")
        total = F.element_at("_totals", one["source"])
        found = F.coalesce(F.element_at("_found", one["source"]), F.create_map().cast("map<string,bigint>"))
        told = F.struct(
            F.coalesce(bm25(asked, text, found, total["n"], total["all"]), F.lit(0.0)).alias("bm25"),
            phrase(asked, text).alias("phrase"),
            share(asked, text).alias("share"),
        )
        return F.when(text.isNotNull(), told)

    nothing = F.array_repeat(F.lit(None).cast("struct<bm25:double,phrase:double,share:double>"), len(MATCHED))
    return rows.withColumn("matches", F.coalesce(F.transform("_sources", match), nothing)).drop("_sources", "_asked", "_totals", "_found")


def _newest(asked: DataFrame, arrived: DataFrame, name: str) -> DataFrame:
    """(ds, query, vector): the newest that arrived up to the day. `raw` holds those of all queries; only labelled ones are looked up."""
    given = arrived.where((F.col("entity_type") == "query") & (F.col("name") == name) & F.col("vector").isNotNull())
    given = given.select(F.col("ds").alias("_from"), normalised_query("entity_id").alias("query"), "vector")
    given = given.join(F.broadcast(asked), "query").where(F.col("_from") <= F.col("ds"))
    return given.groupBy("ds", "query").agg(F.max(F.struct("_from", "vector"))["vector"].alias("vector"))


def _of_kind(entities: DataFrame, log: DataFrame, kind: str) -> DataFrame:
    """(ds, entity_type, entity_id, vector) of the entities of a kind, from the log of their vectors."""
    own = entities.where(F.col("entity_type") == kind).select("ds", F.col("entity_id").alias(f"{kind}_id"))
    then = logs.as_of(own, log, (f"{kind}_id",), ("vector",))
    return then.select("ds", F.lit(kind).alias("entity_type"), F.col(f"{kind}_id").alias("entity_id"), "vector")


def _decoded(rows: DataFrame) -> DataFrame:
    return rows.withColumn("vector", as_floats(F.col("vector")))


def _cosines(pairs: DataFrame, queries: DataFrame, entities: DataFrame) -> DataFrame:
    """(ds, pair, search_cosine) of the pairs of which both embeddings are known; `queries`, `entities`: with their vector of the day."""
    asked, known = queries.withColumnRenamed("vector", "_query"), entities.withColumnRenamed("vector", "_entity")
    both = pairs.join(asked, ["ds", "query"]).join(known, ["ds", *ENTITY]).where("_entity is not null and size(_entity) = size(_query)")
    product = F.zip_with("_query", "_entity", lambda a, b: a.cast("double") * b.cast("double"))
    lengths = [F.sqrt(_sum(F.transform(name, lambda x: x.cast("double") * x.cast("double")))) for name in ("_query", "_entity")]
    return both.select("ds", *PAIR, (_sum(product) / F.nullif(lengths[0] * lengths[1], F.lit(0.0))).alias("search_cosine"))


def _sum(numbers: Column) -> Column:
    return F.aggregate(numbers, F.lit(0.0), lambda so_far, x: so_far + x)
