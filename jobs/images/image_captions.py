"""signals.image_captions: the words of the model that counts, by image."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.logs import until
from features.text import cleaned
from jobs.days import Days


def build(images: DataFrame, captions: DataFrame, days: Days) -> DataFrame:
    """A state for every image and day on which its bytes changed, and for all images on the day from which another model counts.

    An image that the model refused is refused here, with the model's reason.
    """
    known = captions.select(
        F.col("input_hash").alias("image_hash"),
        F.col("caption").alias("said"),
        F.col("refused").alias("reason"),
        "model_revision",
        "since",
    )
    states = images.withColumn("_until", until(("image_id",))).join(known, "image_hash", "left")
    # What stood already is said anew on the first day of a model.
    moved = F.when((F.col("ds") < F.col("since")) & (F.col("since") < F.col("_until")), F.col("since"))
    at = F.array_compact(F.array("ds", moved))
    states = states.withColumn("ds", F.explode(at)).where(F.col("ds").between(days.first, days.last))
    states = states.withColumn("caption", cleaned(F.col("said")))
    reason = F.when(F.col("model_revision").isNull(), F.lit("the image was not captioned")).otherwise(F.col("reason"))
    silent = F.when(F.col("caption").isNull(), F.lit("the model said nothing about the image"))
    refused = F.when(~F.col("deleted"), F.coalesce(reason, silent))
    return states.select(
        "ds",
        "image_id",
        "caption",
        "model_revision",
        "deleted",
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("ds", "image_id", "image_hash"))).alias("refused_key"),
    )
