"""The joint embedding of queries, pins and products: trained on what people engaged with, judged by what they did behind a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.days import Days, shifted
from jobs.lessons import Lesson
from models.recipe import EmbeddingRecipe
from models.specs import ModelError
from schemas.embeddings import NAMES, NEGATIVES, PAIRS, TASKS, TOKENS, VECTORS, VOCABULARY


@dataclass(frozen=True)
class TrainEmbeddingParams(EmbeddingRecipe):
    """The recipe, what it starts from, and which days are learnt from; ModelError where it makes no sense."""

    encoder: str = "encoder"
    """The language model of the query encoder: a spec (docs/models.md), or the name of a model that counts."""
    week_days: int = 7
    """The last so many days are those by which a model is judged."""
    gap_days: int = 15
    """So many days before them are left out: what users did in them is in the texts that are judged."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.week_days < 1 or self.gap_days < 0:
            raise ModelError("week_days is at least 1, gap_days 0 or more")

    def starts(self) -> dict[str, str]:
        """The models to start from, by their part."""
        return {"encoder": self.encoder}

    def recipe(self) -> EmbeddingRecipe:
        """The recipe alone."""
        return EmbeddingRecipe(**{field.name: getattr(self, field.name) for field in fields(EmbeddingRecipe)})


def build(
    query_pin: DataFrame,
    query_product: DataFrame,
    query_product_offsite: DataFrame,
    query_query: DataFrame,
    negatives: DataFrame,
    vocabulary: DataFrame,
    days: Days,
    params: TrainEmbeddingParams,
) -> Mapping[str, DataFrame]:
    """{pairs, negatives, vocabulary}: pairs of all tasks and random entities before the gap and behind it, and the day's tokens."""
    tables = dict(zip(TASKS, (query_pin, query_product, query_product_offsite, query_query), strict=True))
    pairs = reduce(DataFrame.unionByName, (pairs_of(task, rows) for task, rows in tables.items()))
    part = _part(days.last, params)
    # Queries held out of training are judged with all others, but what is learnt from is theirs alone.
    judged = F.when(F.col("_part") == "test", F.lit("test")).otherwise(F.when(F.col("split") != "test", F.col("split")))
    pairs = pairs.withColumn("_part", part).where("_part is not null").withColumn("split", judged).where("split is not null")
    drawn = negatives.withColumn("split", part).where("split is not null")
    key_id = F.xxhash64("entity_type", "entity_id").alias("key_id")
    return {
        PAIRS: pairs.drop("_part"),
        NEGATIVES: drawn.select("entity_type", "split", key_id, *NAMES, *VECTORS),
        TOKENS: vocabulary.where(F.col("ds") == days.last).select(*(c.name for c in VOCABULARY.columns)),
    }


def pairs_of(task: str, rows: DataFrame) -> DataFrame:
    """(ds, task, split, query, query_id, key, key_id, action, popularity, NAMES, VECTORS) of one table."""
    columns = {"task": F.lit(task), "query_id": F.xxhash64("query")}
    if task == "query_query":
        columns |= {"key": F.col("cand_query"), "key_id": F.xxhash64("cand_query"), "popularity": F.lit(None).cast("bigint")}
        columns |= {name: F.lit(None).cast("binary" if name in VECTORS else "string") for name in (*NAMES, *VECTORS)}
    else:
        columns |= {"key": F.col("entity_id"), "key_id": F.xxhash64("entity_type", "entity_id")}
    names = ("ds", "task", "split", "query", "query_id", "key", "key_id", "action", "popularity", *NAMES, *VECTORS)
    return rows.withColumns(columns).select(*names)


def _part(day: str, params: TrainEmbeddingParams) -> Column:
    """`train` before the gap, `test` behind it, null within."""
    week = shifted(day, 1 - params.week_days)
    gap = shifted(week, -params.gap_days)
    return F.when(F.col("ds") < gap, F.lit("train")).when(F.col("ds") >= week, F.lit("test"))


def train(lesson: Lesson) -> dict[str, Any]:
    """Fills the lesson's folder with a joint embedding; what its card tells of the run."""
    from models.embedding_training import together
    from models.embedding_training import train as trained

    params: TrainEmbeddingParams = lesson.params
    run = together if params.processes > 1 else trained
    return run(lesson.rows, lesson.starts["encoder"].folder, params.recipe(), lesson.work, lesson.out, lesson.say)
