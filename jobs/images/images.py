"""What is known of every image, as states of the days on which it arrived: the gate that every image passes before a model sees it.

Of an image whose newest row is refused the older row stays in the log: a state is only ever replaced by one that can be read, and what
was captioned or embedded of the older bytes is still true of them. The refusal is in quarantine, under the day that it arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import signals
from udfs.images.files import check_root
from udfs.images.limits import Limits
from udfs.images.udf import read_headers


@dataclass(frozen=True)
class ImageParams:
    """What reading one image may cost (an image beyond is refused), and how many decoders a Spark worker keeps."""

    image_bytes: int = Limits.most_bytes
    pixels: int = Limits.pixels
    seconds_per_image: float = Limits.seconds
    memory_mb: int = Limits.memory_mb
    uri_roots: tuple[str, ...] = ()
    """Folders that the cluster can read, as absolute paths or addresses (s3://bucket/folder): a uri is read only under one of them."""
    decoders: int = 1

    def __post_init__(self) -> None:
        for root in self.uri_roots:
            check_root(root)

    def limits(self) -> Limits:
        """The limits of one image."""
        return Limits(most_bytes=self.image_bytes, seconds=self.seconds_per_image, memory_mb=self.memory_mb, pixels=self.pixels)


def build(images: DataFrame, params: ImageParams) -> DataFrame:
    """One row for every image that arrived: what its header says, or the reason why it cannot be decoded."""
    given = images.select("ds", "image_id", "image", "uri")
    said = read_headers(given, params.limits(), params.uri_roots, children=params.decoders)
    nameless = F.coalesce(F.trim("image_id") == "", F.lit(True))
    refused = F.when(nameless, "the image_id is missing").otherwise(F.col("refused"))
    return said.select(
        "ds",
        "image_id",
        *(name for name in signals.IMAGES.values if name != "bytes_ds"),
        F.col("ds").alias("bytes_ds"),
        F.lit(False).alias("deleted"),
        refused.alias("refused"),
        F.when(refused.isNotNull(), F.to_json(F.struct("ds", "image_id", "image_hash"))).alias("refused_key"),
    )
