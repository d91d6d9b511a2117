"""What the joint embedding reads of entities as it was on a day, without what users did with them since."""

from __future__ import annotations

from pyspark.sql import DataFrame

from features import logs
from features.fields import input_hash
from schemas.embeddings import NAMES, VECTORS

ENTITY = ("entity_type", "entity_id")
ENGAGED = ("board_title", "navboost_v2")
"""Fields made of engagement: as of 15 days earlier (features/past_texts.py: LAG_DAYS), the lag of `..._before` in the registry."""


def inputs_then(wanted: DataFrame, now: DataFrame, before: DataFrame) -> DataFrame:
    """(ds, ENTITY, NAMES, VECTORS, input_hash) of the wanted (ds, ENTITY) that lived on their day, each wanted once.

    `now` and `before`: features.entity_inputs as logs, as of each day and as of 15 days earlier.
    """
    own = [name for name in NAMES if name not in ENGAGED]
    rows = logs.as_of(wanted, now, ENTITY, [*own, *VECTORS]).join(logs.as_of(wanted, before, ENTITY, ENGAGED), ["ds", *ENTITY], "left")
    return rows.withColumn("input_hash", input_hash())
