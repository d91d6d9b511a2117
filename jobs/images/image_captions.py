"""signals.image_captions: the words of the model that counts, by image."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.answers import answered, refusal
from features.text import cleaned
from jobs.days import Days


def build(images: DataFrame, captions: DataFrame, days: Days) -> DataFrame:
    """A state for every image and day on which its bytes changed, and for all images on the day from which another model counts.

    An image that the model refused is refused here, with the model's reason.
    """
    states = answered(images, ("image_id",), captions, "image_hash", "caption", days.first, days.last)
    states = states.withColumn("caption", cleaned(F.col("said")))
    refused = refusal("the image was not captioned", F.col("caption").isNull(), "the model said nothing about the image")
    return states.select(
        "ds",
        "image_id",
        "caption",
        "model_revision",
        "deleted",
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("ds", "image_id", "image_hash"))).alias("refused_key"),
    )
