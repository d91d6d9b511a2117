"""state.entity_embeddings: the newest known embedding of every pin, product and image."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.updates import states
from schemas.state import ENTITY_EMBEDDINGS

KINDS = ("pin", "product", "image")


def build(arrived: DataFrame) -> DataFrame:
    """A state for every embedding and day on which one arrived; an embedding's second, different row of a day is refused.

    Those of queries are left out: a query that few people asked stays in `raw`.
    """
    return states(arrived.where(F.col("entity_type").isin(*KINDS) | F.col("entity_type").isNull()), ENTITY_EMBEDDINGS)
