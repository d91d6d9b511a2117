"""The sample lake as frames, one for each raw table and the planted truth; the caller publishes them."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.sample import boards, labels, media, products, searches, truth, vectors
from jobs.sample import pins as pin_updates
from jobs.sample.plan import Plan
from schemas import raw, sample
from schemas.contract import Table


def tables(spark: SparkSession, pins: int, days: Days, seed: int) -> dict[Table, DataFrame]:
    """A frame with the contract's columns for every raw table and sample.truth; the same for the same four arguments."""
    plan = Plan(pins, days, seed)
    builds = {
        raw.PIN_UPDATES: pin_updates.build,
        raw.PRODUCT_UPDATES: products.build,
        raw.IMAGES: media.build_images,
        raw.LINK_PAGES: media.build_pages,
        raw.BOARD_SAVES: boards.build,
        raw.SEARCH_EVENTS: searches.build,
        raw.HUMAN_LABELS: labels.build,
        raw.ENTITY_EMBEDDINGS: vectors.build,
        sample.TRUTH: truth.build,
    }
    return {table: _conformed(build(spark, plan), table) for table, build in builds.items()}


def _conformed(rows: DataFrame, table: Table) -> DataFrame:
    """The columns of the contract in its order; where the table says who wrote a row, the sample lake did."""
    signed = rows.withColumn(raw.WRITTEN_BY.name, F.lit("sample")) if raw.WRITTEN_BY in table.columns else rows
    return signed.select(*(column.name for column in table.fields))
