"""state.products: the newest known fields of every product."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.updates import states
from schemas import state

IMAGES = 15


def build(updates: DataFrame) -> DataFrame:
    """A state for every product and day with an update; a product's second, different update of a day is refused."""
    # A feed that sends more images than the contract keeps is no reason to lose the product.
    first_images = F.slice("image_ids", 1, IMAGES)
    return states(updates.withColumn("image_ids", first_images), state.PRODUCTS)
