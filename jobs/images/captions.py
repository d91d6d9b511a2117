"""answers.captions: a model's words for every distinct image, asked once."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.generation import Generation

__all__ = ["Generation", "build", "payload"]


def build(images: DataFrame) -> DataFrame:
    """A question for every live image: the hash of its bytes, and the row of raw.images that holds them."""
    live = images.where(~F.col("deleted") & F.col("image_hash").isNotNull())
    return live.select("ds", F.col("image_hash").alias("input_hash"), "image_id", "bytes_ds")


def payload(questions: DataFrame, files: DataFrame) -> DataFrame:
    """(input_hash, image, uri, image_hash) of a chunk of questions: Delta prunes the days by those of the chunk."""
    held = files.select(F.col("ds").alias("bytes_ds"), "image_id", "image", "uri")
    found = F.broadcast(questions).join(held, ["bytes_ds", "image_id"], "left")
    return found.select("input_hash", "image", "uri", F.col("input_hash").alias("image_hash"))
