"""training.teacher_examples: what people graded, with the text of the entity as it was on that day."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from features.grades import aggregated
from features.past_texts import Variants, refusal, texts_then
from features.splits import Shares
from jobs.days import Days
from schemas.training import TEACHER_EXAMPLES
from udfs.queries import normalised_query


@dataclass(frozen=True)
class TeacherExampleParams(Shares, Variants):
    """How examples are split, by shares of the queries, and which sources are in their text; ValueError where it makes no sense."""

    def __post_init__(self) -> None:
        Shares.__post_init__(self)
        Variants.__post_init__(self)


def build(
    labels: DataFrame,
    pins: DataFrame,
    pins_before: DataFrame,
    products: DataFrame,
    products_before: DataFrame,
    days: Days,
    params: TeacherExampleParams,
) -> DataFrame:
    """An example for every pair that was graded on a day and has a text as of that day; the others with the reason."""
    pairs = logs.kept(aggregated(labels))
    texts = texts_then(pairs, {"pin": pins, "product": products}, {"pin": pins_before, "product": products_before}, params.assemblies())
    rows = pairs.join(texts.withColumnRenamed("author_language", "language"), ["ds", "entity_type", "entity_id"], "left")
    refused = F.coalesce("refused", refusal())
    return rows.select(
        "ds",
        F.sha2(F.concat_ws("\x1f", "query", "entity_type", "entity_id"), 256).alias("example_id"),
        *(F.col(c.name) for c in TEACHER_EXAMPLES.columns if c.name not in ("example_id", "split")),
        params.part(normalised_query("query")).alias("split"),
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("query", "entity_type", "entity_id"))).alias("refused_key"),
    )
