"""training.student_examples: labelled pairs with all that a student reads, as of the day of the label."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.matching import log_of, numbers, text_numbers
from features.splits import Shares
from features.vectors import DOCUMENT, QUERY, vector_hash
from jobs.labelled import request_key
from schemas.features import MATCHED, NUMBERS, TEXT_NUMBERS
from schemas.training import STUDENT_EXAMPLES
from udfs.queries import normalised_query

ENTITY = ("entity_type", "entity_id")
GRAPHS = {"pin": "pinsage", "product": "itemsage"}
"""Embeddings of entities alone, by what they are of."""
COUNTED = ("impressions", "clicks", "long_clicks", "saves")
_OF_QUERY = ("engagements", "product_engagements", "interests")
_LEVELS = {"grade": "int", "level": "double", "level_low": "int", "level_high": "int"}


@dataclass(frozen=True)
class StudentExampleParams(Shares):
    """How queries that nobody graded are split, and how rates are smoothed; ValueError where it makes no sense."""

    prior_impressions: float = 20.0
    """A pair's rates are those after so many more impressions at the entity's own rate, and an entity's likewise at that of all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior_impressions <= 0:
            raise ValueError("prior_impressions is above 0")


def build(
    candidates: DataFrame,
    scores: DataFrame,
    examples: DataFrame,
    pairs: DataFrame,
    queries: DataFrame,
    entities: DataFrame,
    entities_before: DataFrame,
    vectors: DataFrame,
    embeddings: DataFrame,
    params: StudentExampleParams,
) -> DataFrame:
    """An example for every teacher's score and every graded pair of the days."""
    rows = logs.kept(_labelled(candidates, scores, examples, params))
    wanted = rows.select("ds", *ENTITY).distinct()
    known = logs.as_of(wanted, entities, ENTITY, ("interest", "present", "born", F.col("language").alias("_spoken")))
    counts = logs.as_of(wanted, entities_before, ENTITY, [F.col(name).alias(f"_{name}") for name in COUNTED] + [_engagements()])
    rows = rows.join(pairs.drop("query", *ENTITY), ["ds", "request_key"], "left").join(known, ["ds", *ENTITY], "left")
    rows = rows.join(counts, ["ds", *ENTITY], "left")
    about = queries.select("ds", F.col("query").alias("_key"), F.col("language").alias("_asked_in"), *_OF_QUERY)
    rows = rows.join(about, ["ds", "_key"], "left")
    told = dict(zip(TEXT_NUMBERS, text_numbers(F.col("query"), F.col("text")), strict=True))
    rows = rows.withColumn("numbers", numbers(told | _known(params.prior_impressions), NUMBERS))
    rows = _with_vectors(rows, vectors, embeddings)
    return rows.select("ds", *(c.name for c in STUDENT_EXAMPLES.columns))


def _labelled(candidates: DataFrame, scores: DataFrame, examples: DataFrame, params: StudentExampleParams) -> DataFrame:
    """What teachers and people said, with the texts they read; `_key` is the query as features are kept by."""
    read = candidates.select("ds", "request_key", "text", "sources")
    asked = scores.join(read, ["ds", "request_key"]).select(
        "ds",
        F.lit("teacher").alias("labelled_by"),
        "model_revision",
        "query",
        F.col("query").alias("_key"),
        *ENTITY,
        "language",
        "text",
        "sources",
        F.transform("probabilities", lambda p: p.cast("double")).alias("target"),
        *(F.lit(None).cast(kind).alias(name) for name, kind in _LEVELS.items()),
        (1 / F.col("probability")).alias("weight"),
        params.part(F.col("query")).alias("split"),
    )
    graded = examples.select(
        "ds",
        F.lit("human").alias("labelled_by"),
        F.lit(None).cast("string").alias("model_revision"),
        "query",
        normalised_query("query").alias("_key"),
        *ENTITY,
        "language",
        "text",
        "sources",
        "target",
        *_LEVELS,
        F.lit(1.0).alias("weight"),
        "split",
    )
    rows = asked.unionByName(graded)
    example_id = F.sha2(F.concat_ws("\x1f", "labelled_by", "query", *ENTITY), 256)
    return rows.withColumns({"example_id": example_id, "request_key": request_key("_key")})


def _engagements() -> Column:
    return (F.col("clicks") + F.col("long_clicks") + F.col("saves")).alias("_engagements")


def _known(prior: float) -> dict[str, Column]:
    """Every number that tables tell, by its name; null where what it is made of is not known."""
    found: dict[str, Column] = {}
    for place, source in enumerate(MATCHED):
        found |= {f"{measure}_{source}": F.col("matches")[place][measure] for measure in ("bm25", "phrase", "share")}
        found[f"has_{source}"] = F.array_contains("present", source).cast("double")
    interest = F.filter("interests", lambda one: one["interest"] == F.col("interest"))
    of_interest = F.coalesce(F.get(interest, F.lit(0))["engagements"], F.lit(0))
    engaged = F.nullif(F.col("engagements"), F.lit(0))
    found |= {
        "search_cosine": F.col("search_cosine"),
        "click_rate": _rate("clicks", prior),
        "long_click_rate": _rate("long_clicks", prior),
        "save_rate": _rate("saves", prior),
        "query_engagements": log_of(F.col("engagements")),
        "query_product_share": F.col("product_engagements") / engaged,
        "interest_share": F.when(F.col("interest").isNotNull(), of_interest / engaged),
        "same_language": (F.col("_asked_in") == F.col("_spoken")).cast("double"),
        "entity_engagements": log_of(F.col("_engagements")),
        "entity_click_rate": F.col("_clicks") / (F.col("_impressions") + prior),
        "entity_save_rate": F.col("_saves") / (F.col("_impressions") + prior),
        # `greatest` would take 0 for a day that is not known.
        "entity_age": F.when(F.col("born").isNotNull(), log_of(F.greatest(F.datediff(F.col("ds"), F.col("born")), F.lit(0)))),
    }
    return found


def _rate(name: str, prior: float) -> Column:
    """What people did a time the pair was shown, drawn to the entity's own rate where it was shown seldom; null where neither was shown."""
    own = F.coalesce(F.col(f"_{name}") / (F.col("_impressions") + prior), F.lit(0.0))
    shown = (F.col("impressions") > 0) | (F.col("_impressions") > 0)
    return F.when(shown, (F.col(name) + own * prior) / (F.col("impressions") + prior))


def _with_vectors(rows: DataFrame, vectors: DataFrame, embeddings: DataFrame) -> DataFrame:
    """The rows with the encoder's vectors of query and text, and what is known of the entity alone."""
    found = vectors.where(F.col("vector").isNotNull()).select("input_hash", "vector")
    for name, role, text in (("query_vector", QUERY, "query"), ("text_vector", DOCUMENT, "text")):
        own = found.select(F.col("input_hash").alias(f"_{name}"), F.col("vector").alias(name))
        rows = rows.withColumn(f"_{name}", vector_hash(F.lit(role), F.col(text))).join(own, f"_{name}", "left")
    graphs = [(F.col("entity_type") == kind) & (F.col("name") == name) for kind, name in GRAPHS.items()]
    own = embeddings.where(graphs[0] | graphs[1]).drop("name")
    known = logs.as_of(rows.select("ds", *ENTITY).distinct(), own, ENTITY, (F.col("vector").alias("graph_vector"),))
    return rows.join(known, ["ds", *ENTITY], "left")
