"""state.pins: the newest known fields of every pin."""

from pyspark.sql import DataFrame

from features.updates import states
from schemas import state


def build(updates: DataFrame) -> DataFrame:
    """A state for every pin and day with an update; a pin's second, different update of a day is refused."""
    return states(updates, state.PINS)
