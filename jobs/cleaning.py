"""The one way from any source's words to clean text, for every job that reads what people or pages wrote."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.text import cleaned
from udfs.text import repaired


def clean(frame: DataFrame, **sources: Column | str) -> DataFrame:
    """The frame with a column for every source, by its name: read as it was meant (`repaired`), as people see it (`cleaned`), null where
    nothing is left. A source is a column or its name, not an expression of cost: it is looked at several times.

    Cleaning twice changes nothing more.
    """
    columns = {name: F.col(source) if isinstance(source, str) else source for name, source in sources.items()}
    # One expression for all: `cleaned` is a large one, and a plan has to be made of it every night.
    said = frame.withColumn("_clean", F.transform(F.array(*map(repaired, columns.values())), cleaned))
    return said.withColumns({name: F.col("_clean")[place] for place, name in enumerate(columns)}).drop("_clean")
