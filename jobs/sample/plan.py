"""The plan of a sample lake: its sizes, its days, and the draws that take the place of chance."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.days import Days

DAY_SECONDS = 86_400
FEWEST_PINS = 300
ROWS_A_PARTITION = 250_000
MARK = "|"


def quotient(number: Column, divisor: int) -> Column:
    """The whole part of number / divisor, exact below 2^53."""
    return F.floor(number / F.lit(divisor))


def picked(values: Sequence[object], number: Column) -> Column:
    """The value at that place of a constant list (text, bigint, double or boolean, as its first value is), from 0; null outside it.

    The list travels as one literal, which Spark splits once: hundreds of literals a list make planning slow.
    """
    texts = [str(value) for value in values]
    if any(MARK in text for text in texts):
        raise ValueError(f"a constant list cannot hold {MARK!r}")
    kind = {bool: "array<boolean>", int: "array<bigint>", float: "array<double>"}.get(type(values[0]))
    listed = F.split(F.lit(MARK.join(texts)), f"[{MARK}]")
    return F.get(listed.cast(kind) if kind else listed, number.cast("int"))


def spread(frame: DataFrame, values: Column, name: str, place: str | None = None) -> DataFrame:
    """A row for each value of the array, in a column of that name, and its place from 0 where a name for it is given.

    The outer form, and nulls left out afterwards: a plain explode makes Spark test the array's size as early as it can, which repeats
    every step that led to the array.
    """
    if place is None:
        return frame.withColumn(name, F.explode_outer(values)).where(F.col(name).isNotNull())
    return frame.select("*", F.posexplode_outer(values).alias(place, name)).where(F.col(name).isNotNull())


@dataclass(frozen=True)
class Plan:
    """How large the lake is. Every draw is a hash of the seed, a salt and whole numbers: no state, no order, no partition matters."""

    pins: int
    days: Days
    seed: int

    def __post_init__(self) -> None:
        if self.pins < FEWEST_PINS:
            raise ValueError(f"a sample lake has at least {FEWEST_PINS} pins, got {self.pins}")

    @property
    def queries(self) -> int:
        """Distinct queries of the pool, without the typed-in canaries."""
        return 500 + self.pins // 4

    @property
    def users(self) -> int:
        """People of one language who search and save."""
        return 40 + self.pins // 30

    @property
    def requests(self) -> int:
        """Searches by people a day."""
        return 175 + self.pins // 16

    @property
    def bots(self) -> int:
        """Users that are programs."""
        return 2 + self.pins // 50_000

    @property
    def saves(self) -> int:
        """Pins saved to boards a day."""
        return 20 + self.pins // 5

    @property
    def pairs(self) -> int:
        """Pairs of query and entity that raters were asked about."""
        return min(200 + self.pins // 10, 300_000)

    def number(self, salt: str) -> int:
        """A 62-bit number that only depends on the seed and the salt."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}:{salt}".encode()).digest()[:8], "big") >> 2

    def draw(self, salt: str, *keys: Column) -> Column:
        """A 64-bit hash (bigint) of whole numbers: two draws with other salts are independent."""
        return F.xxhash64(F.lit(self.number(salt)).cast("bigint"), *[key.cast("bigint") for key in keys])

    def below(self, limit: int, salt: str, *keys: Column) -> Column:
        """A whole number from 0 to limit - 1 (bigint)."""
        return F.pmod(self.draw(salt, *keys), F.lit(limit).cast("bigint"))

    def share(self, salt: str, *keys: Column) -> Column:
        """A number from 0 to 1, 1 left out."""
        return F.shiftrightunsigned(self.draw(salt, *keys), 11) * F.lit(2.0**-53)

    def chance(self, probability: float | Column, salt: str, *keys: Column) -> Column:
        """True with that probability."""
        return self.share(salt, *keys) < (F.lit(probability) if isinstance(probability, float) else probability)

    def rank(self, limit: int, salt: str, *keys: Column) -> Column:
        """A rank from 0 to limit - 1 with a Zipf law of exponent 1: rank r comes about 1 / (r + 1) as often as rank 0."""
        rank = F.floor(F.pow(F.lit(float(limit + 1)), self.share(salt, *keys))) - F.lit(1)
        return F.least(rank, F.lit(limit - 1)).cast("bigint")

    def rows(self, spark: SparkSession, count: int, name: str) -> DataFrame:
        """The numbers 0 .. count - 1 in a column of that name (bigint), in partitions that grow with the count."""
        return spark.range(0, count, 1, 2 + count // ROWS_A_PARTITION).withColumnRenamed("id", name)

    def ds(self, day: Column) -> Column:
        """The day's string, from its number (0 is the first day)."""
        return F.date_add(F.lit(dt.date.fromisoformat(self.days.first)), day.cast("int")).cast("string")

    def second(self, day: Column) -> Column:
        """The first second of a day, in seconds since 1970, from the day's number."""
        start = dt.datetime.fromisoformat(self.days.first).replace(tzinfo=dt.UTC)
        return F.lit(int(start.timestamp())) + day.cast("bigint") * F.lit(DAY_SECONDS)
