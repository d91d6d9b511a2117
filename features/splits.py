"""Which part of a data set a query belongs to: by the hash of its normalised text, so that a query is never in two parts."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

PARTS = 1_000


@dataclass(frozen=True)
class Shares:
    """How queries are split: the shares of two parts, the rest is trained on; ValueError where they make no sense."""

    seed: int = 5
    validation: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} are shares, and leave something to train on")

    def part(self, query: Column) -> Column:
        """The part of a query, in the one spelling that is a key."""
        return split(query, self.seed, self.validation, self.test)


def split(query: Column, seed: int, validation: float, test: float) -> Column:
    """`test`, `validation` or `train`, by shares of all queries; `query` in the one spelling that is a key."""
    place = F.pmod(F.xxhash64(query, F.lit(seed)), F.lit(PARTS))
    return F.when(place < round(test * PARTS), "test").when(place < round((test + validation) * PARTS), "validation").otherwise("train")
