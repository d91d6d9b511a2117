"""signals.word_prevalence: in how many boards' titles a word stands, frozen on the table's first day and on each month's first."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from features.titles import UNKNOWN_LANGUAGE, folded, words
from jobs.days import Days
from schemas.signals import WORD_PREVALENCE
from udfs.titles import near_key


def build(holdings: DataFrame, pins: DataFrame, days: Days) -> DataFrame:
    """A row for every frozen day of the range, language and word of the key of a live board's title.

    A board belongs to every language of the pins on it; its title is the one most of its pins know, the smallest where several are.
    """
    on = _frozen_days(holdings, pins, days)
    if not on:
        return holdings.sparkSession.createDataFrame([], WORD_PREVALENCE.ddl)
    frozen = F.broadcast(holdings.sparkSession.createDataFrame([(day,) for day in on], "frozen string"))
    languages = _as_of(pins, frozen, ("pin_id",)).select("frozen", "pin_id", "language")
    held = _as_of(holdings, frozen, ("pin_id", "board_id")).select("frozen", "pin_id", "board_id", "title")
    language = F.coalesce("language", F.lit(UNKNOWN_LANGUAGE)).alias("language")
    held = held.join(languages, ["frozen", "pin_id"], "left").select("frozen", language, "board_id", "title")
    boards = held.groupBy("frozen", "language", "board_id").agg(F.mode("title", deterministic=True).alias("title"))
    totals = boards.groupBy("frozen", "language").agg(F.count(F.lit(1)).alias("total_boards"))
    keyed = boards.select("frozen", "language", near_key(F.col("language"), folded(F.col("title"))).alias("near"))
    by_word = keyed.select("frozen", "language", F.explode(words(F.col("near"))).alias("word"))
    counts = by_word.groupBy("frozen", "language", "word").agg(F.count(F.lit(1)).alias("boards"))
    return counts.join(F.broadcast(totals), ["frozen", "language"]).withColumnRenamed("frozen", "ds")


def _frozen_days(holdings: DataFrame, pins: DataFrame, days: Days) -> list[str]:
    """The months' firsts of the range, and the table's first day: that of its inputs, if nothing was known before the range.

    Looked up before anything is planned: on most nights there is none, and so nothing to compute.
    """
    known = holdings.select("ds").unionByName(pins.select("ds")).agg(F.min("ds").alias("earliest")).first()
    earliest = known.earliest if known else None
    begins = {earliest} if earliest is not None and earliest >= days.first else set()
    return sorted(begins | set(days.month_firsts()))


def _as_of(log: DataFrame, frozen: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """The log's live rows at each frozen day."""
    valid = log.withColumn("_until", logs.until(key)).where("not deleted")
    return valid.join(frozen, (F.col("ds") <= F.col("frozen")) & (F.col("frozen") < F.col("_until"))).drop("ds", "_until")
