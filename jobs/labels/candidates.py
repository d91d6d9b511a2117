"""labels.candidates: pairs of a query and an entity that a teacher is asked about, sampled from what people searched that day."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.canaries import input_hash
from features.events import EventParams, searches
from features.past_texts import Variants, refusal, texts_then
from features.sampling import capped, stratified
from jobs.days import Days
from jobs.labelled import PAIR, request_key
from udfs.queries import normalised_query, normalised_searches

KINDS = ("pin", "product")
HEAD, MIDDLE = 100, 10
"""Events of a query on a day from which it is popular, and from which it is not rare: fixed, so that strata mean the same every day."""
POSITIONS = (3, 10, 25)
"""Last positions of the parts of a result list: what is seen at once, the first screens, the rest."""


@dataclass(frozen=True)
class CandidateParams(EventParams, Variants):
    """How many pairs a day, and at most of one query; ValueError where it makes no sense.

    `formed_most`: of one query where no searches are connected: few queries are known there, and a student learns of each from many texts.
    `words_most`: a word that more entities than this have says too little to pair by, where no searches are connected.
    """

    size: int = 100_000
    query_most: int = 50
    formed_most: int = 220
    words_most: int = 2_000
    seed: int = 11

    def __post_init__(self) -> None:
        EventParams.__post_init__(self)
        Variants.__post_init__(self)
        if min(self.size, self.query_most, self.formed_most, self.words_most) < 1:
            raise ValueError("size, query_most, formed_most and words_most are at least 1")


def build(
    events: DataFrame,
    public: DataFrame,
    examples: DataFrame,
    pins: DataFrame,
    pins_before: DataFrame,
    products: DataFrame,
    products_before: DataFrame,
    days: Days,
    params: CandidateParams,
) -> DataFrame:
    """Sampled pairs of every day with their text, each with its stratum and the chance that it had; a pair without a text is refused.

    On days without any search event, pairs are formed across the queries that people graded for training, public by definition, and all
    entities: half of them share a word.
    """
    rows = searches(normalised_searches(events), days.first, days.last, params).where(F.col("refused").isNull())
    seen = _shown(rows.where(F.col("entity_type").isin(*KINDS)), public)
    seen = logs.kept(capped(seen, ("ds", "query"), (*PAIR, "ds"), params.query_most, params.seed))
    found = stratified(seen, (*PAIR, "ds"), params.size, params.seed + 1)
    quiet = logs.kept(_quiet(events, days))
    if not quiet.isEmpty():
        found = found.unionByName(_formed(quiet, examples, _entities(pins, products), params))
    found = logs.kept(found)
    texts = texts_then(found, {"pin": pins, "product": products}, {"pin": pins_before, "product": products_before}, params.assemblies())
    rows = found.join(texts.drop("author_language", "text_hash"), ["ds", "entity_type", "entity_id"], "left")
    keys = {"request_key": request_key("query"), "input_hash": input_hash(F.col("query"), F.col("text"))}
    rows = rows.withColumns({**keys, "refused": refusal()})
    return rows.withColumn("refused_key", F.when(F.col("refused").isNotNull(), F.to_json(F.struct(*PAIR))))


def _shown(rows: DataFrame, public: DataFrame) -> DataFrame:
    """(ds, pair, language, position, events, stratum): what was shown for the queries that were public that day."""
    by_language = rows.groupBy("ds", *PAIR, "language").agg(F.count(F.lit(1)).alias("events"), F.min("position").alias("position"))
    spoken = F.when(F.col("language").isNotNull(), F.struct("events", "language"))
    pairs = by_language.groupBy("ds", *PAIR).agg(
        F.max(spoken)["language"].alias("language"), F.min("position").alias("position"), F.sum("events").alias("events")
    )
    asked = pairs.groupBy("ds", "query").agg(F.sum("events").alias("_asked"))
    valid = public.withColumn("_until", logs.until(("query",))).where("not deleted")
    valid = valid.select(F.col("ds").alias("_from"), "_until", "query")
    within = (F.col("_from") <= F.col("ds")) & (F.col("ds") < F.col("_until"))
    asked = asked.join(valid, "query").where(within).select("ds", "query", "_asked")
    rows = pairs.join(asked, ["ds", "query"])
    language = F.coalesce("language", F.lit("unknown"))
    stratum = F.concat_ws("/", _popularity(F.col("_asked")), language, _part(F.col("position")))
    return rows.withColumn("stratum", stratum).drop("_asked")


def _popularity(events: Column) -> Column:
    return F.when(events >= HEAD, "head").when(events >= MIDDLE, "middle").otherwise("tail")


def _part(position: Column) -> Column:
    """The part of the result list: `1-3`, `4-10`, `11-25`, `26-` or `unknown`."""
    start, found = 1, F.when(position.isNull(), F.lit("unknown"))
    for last in POSITIONS:
        found, start = found.when(position <= last, F.lit(f"{start}-{last}")), last + 1
    return found.otherwise(F.lit(f"{start}-"))


def _quiet(events: DataFrame, days: Days) -> DataFrame:
    """(ds): the days without any search event."""
    spark = events.sparkSession
    return spark.createDataFrame([(day,) for day in days], "ds string").join(events.select("ds").distinct(), "ds", "left_anti")


def _entities(pins: DataFrame, products: DataFrame) -> DataFrame:
    """(entity_type, entity_id, text, _from, _until): the intervals in which entities have a text."""
    found: DataFrame | None = None
    for kind, log in zip(KINDS, (pins, products), strict=True):
        key = f"{kind}_id"
        valid = log.withColumn("_until", logs.until((key,))).where("not deleted and text != ''")
        one = valid.select(F.lit(kind).alias("entity_type"), F.col(key).alias("entity_id"), "text", F.col("ds").alias("_from"), "_until")
        found = one if found is None else found.unionByName(one)
    assert found is not None
    return found


def _formed(quiet: DataFrame, examples: DataFrame, entities: DataFrame, params: CandidateParams) -> DataFrame:
    """Pairs of graded training queries and entities on the days without searches: some that share a word, as many of all others."""
    most = max(params.formed_most // 2, 1)
    asked = examples.where(F.col("split") == "train").select(F.col("ds").alias("_graded"), normalised_query("query").alias("query"))
    asked = asked.groupBy("query").agg(F.min("_graded").alias("_graded"))
    queries = quiet.join(asked, F.col("_graded") <= F.col("ds")).select("ds", "query")
    living = logs.kept(quiet.join(entities, (F.col("_from") <= F.col("ds")) & (F.col("ds") < F.col("_until"))).drop("_from", "_until"))
    worded = living.select("ds", *PAIR[1:], F.explode(_words(F.col("text"))).alias("word"))
    common = worded.groupBy("ds", "word").count().where(F.col("count") > params.words_most).select("ds", "word")
    worded = worded.join(common, ["ds", "word"], "left_anti")
    sharing = queries.select("ds", "query", F.explode(_words(F.col("query"))).alias("word")).join(worded, ["ds", "word"])
    sharing = logs.kept(capped(sharing.select("ds", *PAIR).distinct(), ("ds", "query"), (*PAIR, "ds"), most, params.seed))
    # All others: a query meets the entities of its bucket, of which there are as many as leave about `most` entities in each.
    sizes = living.groupBy("ds").agg(F.greatest(F.lit(1), F.floor(F.count(F.lit(1)) / most)).alias("_buckets"))
    place = [F.pmod(F.xxhash64(*key, "ds", F.lit(params.seed)), F.col("_buckets")).alias("_at") for key in (("query",), PAIR[1:])]
    left = queries.join(F.broadcast(sizes), "ds").select("ds", "query", "_buckets", place[0])
    right = living.join(F.broadcast(sizes), "ds").select("ds", *PAIR[1:], place[1])
    others = left.join(right, ["ds", "_at"]).withColumn("probability", 1 / F.col("_buckets")).select("ds", *PAIR, "probability")
    others = others.join(sharing.select("ds", *PAIR), ["ds", *PAIR], "left_anti")
    both = sharing.withColumn("stratum", F.lit("formed/words")).unionByName(others.withColumn("stratum", F.lit("formed/any")))
    both = both.withColumns(
        {"language": F.lit(None).cast("string"), "position": F.lit(None).cast("int"), "events": F.lit(0).cast("bigint")}
    )
    return stratified(logs.kept(both), (*PAIR, "ds"), params.size, params.seed + 1)


def _words(text: Column) -> Column:
    """The distinct words of a text in lower case; those of scripts without spaces stay whole."""
    return F.array_distinct(F.filter(F.split(F.lower(text), r"[^\p{L}\p{N}]+"), lambda word: F.length(word) > 1))
