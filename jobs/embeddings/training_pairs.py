"""training.query_pin and its sisters: pairs that people engaged with, with all that the joint embedding reads, as of their day."""

from __future__ import annotations

from typing import ClassVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from features.engagement import COUNTS, engagements
from features.entities import ENTITY, inputs_then
from features.pairs import PAIR_KEY, engaged_pairs
from features.splits import Shares
from jobs.days import Days
from schemas.training import QUERY_PIN, QUERY_QUERY


class TrainingPairParams(Shares):
    """How queries are split; of which task the pairs are."""

    task: ClassVar[str] = ""


class QueryPinParams(TrainingPairParams):
    """Of pins that people saved or stayed on."""

    task = "query_pin"


class QueryProductParams(TrainingPairParams):
    """Of products that people saved, stayed on or bought on site."""

    task = "query_product"


class QueryProductOffsiteParams(TrainingPairParams):
    """Of products that people took on the merchant's site."""

    task = "query_product_offsite"


class QueryQueryParams(TrainingPairParams):
    """Of suggested queries that people followed."""

    task = "query_query"


def build(
    daily: DataFrame,
    public: DataFrame,
    given: DataFrame,
    inputs: DataFrame,
    inputs_before: DataFrame,
    entities: DataFrame,
    days: Days,
    params: TrainingPairParams,
) -> DataFrame:
    """An example for every pair of the task that is given on the days, with what is read of its entity and how much people did with it;
    refused where the entity did not live on its day."""
    pairs = logs.kept(_given(daily, public, given, days, params))
    wanted = pairs.select("ds", *ENTITY).distinct()
    popularity = logs.as_of(wanted, entities.select("ds", *ENTITY, *COUNTS, "deleted"), ENTITY, (engagements().alias("popularity"),))
    rows = pairs.join(inputs_then(wanted, inputs, inputs_before), ["ds", *ENTITY], "left").join(popularity, ["ds", *ENTITY], "left")
    refused = F.when(F.col("input_hash").isNull(), F.concat(F.lit("no text of the "), F.col("entity_type"), F.lit(" on that day")))
    rows = rows.withColumns({"popularity": F.coalesce("popularity", F.lit(0).cast("bigint")), "refused": refused})
    key = F.when(F.col("refused").isNotNull(), F.to_json(F.struct("ds", *ENTITY)))
    return rows.select("ds", *(column.name for column in QUERY_PIN.columns), "refused", key.alias("refused_key"))


def query_query(daily: DataFrame, public: DataFrame, given: DataFrame, days: Days, params: QueryQueryParams) -> DataFrame:
    """An example for every pair of queries that is given on the days."""
    rows = _given(daily, public, given, days, params).withColumnRenamed("entity_id", "cand_query")
    return rows.select("ds", *(column.name for column in QUERY_QUERY.columns))


def _given(daily: DataFrame, public: DataFrame, given: DataFrame, days: Days, params: TrainingPairParams) -> DataFrame:
    """(ds, ENTITY, query, action, example_id, split): the pairs of a task that are given on the days."""
    new = given.where((F.col("task") == params.task) & (F.col("ds") >= days.first) & ~F.col("deleted"))
    pairs = engaged_pairs(daily, public, (params.task,)).join(new.select("ds", *PAIR_KEY), ["ds", *PAIR_KEY], "left_semi")
    return pairs.withColumns(
        {
            "example_id": F.sha2(F.concat_ws("\x1f", F.lit(params.task), "query", *ENTITY), 256),
            "split": params.part(F.col("query")),
        }
    )
