"""signals.word_prevalence: in how many boards' titles a word stands, frozen on the table's first day and on each month's first."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.titles import UNKNOWN_LANGUAGE, folded
from features.words import distinct_words
from jobs.days import Days
from jobs.frozen import at_frozen, frozen_days
from schemas.signals import WORD_PREVALENCE
from udfs.titles import near_key


def build(holdings: DataFrame, pins: DataFrame, days: Days) -> DataFrame:
    """A row for every frozen day of the range, language and word of the key of a live board's title.

    A board belongs to every language of the pins on it; its title is the one most of its pins know, the smallest where several are.
    """
    frozen = frozen_days((holdings, pins), days)
    if frozen is None:
        return holdings.sparkSession.createDataFrame([], WORD_PREVALENCE.ddl)
    languages = at_frozen(pins, frozen, ("pin_id",)).select("frozen", "pin_id", "language")
    held = at_frozen(holdings, frozen, ("pin_id", "board_id")).select("frozen", "pin_id", "board_id", "title")
    language = F.coalesce("language", F.lit(UNKNOWN_LANGUAGE)).alias("language")
    held = held.join(languages, ["frozen", "pin_id"], "left").select("frozen", language, "board_id", "title")
    boards = held.groupBy("frozen", "language", "board_id").agg(F.mode("title", deterministic=True).alias("title"))
    totals = boards.groupBy("frozen", "language").agg(F.count(F.lit(1)).alias("total_boards"))
    keyed = boards.select("frozen", "language", near_key(F.col("language"), folded(F.col("title"))).alias("near"))
    by_word = keyed.select("frozen", "language", F.explode(distinct_words(F.col("near"))).alias("word"))
    counts = by_word.groupBy("frozen", "language", "word").agg(F.count(F.lit(1)).alias("boards"))
    return counts.join(F.broadcast(totals), ["frozen", "language"]).withColumnRenamed("frozen", "ds")
