"""signals.board_titles: the board titles that describe a pin best."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.titles import UNKNOWN_LANGUAGE, folded, is_noise
from features.words import distinct_words
from jobs.days import Days
from udfs.titles import near_key

POINT = ["pin_id", "ds"]
TITLE = ["month", "language", "near"]


@dataclass(frozen=True)
class BoardTitleParams:
    """How titles are chosen; ValueError where it makes no sense."""

    titles: int = 10
    """How many titles a pin keeps."""
    min_users: int = 1
    """Users who hold the pin under a title. One is enough by default: a title is public where the board is, and personal data never
    passes; raise it where secret boards are in the feed."""
    min_boards: int = 20
    """Boards of a language below which its word counts say nothing and all its words count alike."""

    def __post_init__(self) -> None:
        if not 1 <= self.titles <= 10 or self.min_users < 1 or self.min_boards < 1:
            raise ValueError(f"titles must lie in 1..10, min_users and min_boards be at least 1: {self}")


def build(holdings: DataFrame, pins: DataFrame, prevalence: DataFrame, days: Days, params: BoardTitleParams) -> DataFrame:
    """A state for every pin and day on which its boards or its language changed, and for all pins on a frozen day.

    Titles of one key (`near_key`) are one. The score is users times rarity, both integers, so that it is the same wherever it is computed.
    """
    points = _points(holdings, pins, days)
    touched = points.select("pin_id").distinct()
    held = logs.gathered(holdings.join(touched, "pin_id", "left_semi"), ("pin_id",), ("pin_id", "board_id"), days.first, points)
    authors = pins.join(touched, "pin_id", "left_semi").select("ds", "pin_id", "language", "deleted")
    languages = logs.gathered(authors, ("pin_id",), ("pin_id",), days.first, points)
    spoken = held.join(languages, POINT, "left").withColumn("language", F.coalesce("language", F.lit(UNKNOWN_LANGUAGE)))
    titles = _supported(spoken, params.min_users).withColumn("month", F.substring("ds", 1, 7))
    scored = titles.join(_rarity(titles.select(*TITLE).distinct(), prevalence, params.min_boards), TITLE)
    best = _best(scored.withColumn("score", F.col("users") * F.col("rarity")), params.titles)
    return points.join(best, POINT, "left").withColumn("deleted", F.col("titles").isNull())


def _points(holdings: DataFrame, pins: DataFrame, days: Days) -> DataFrame:
    """The distinct (pin_id, ds) at which a pin's titles may change. The table's first frozen day is one on which all holdings are new."""
    known = holdings.select("pin_id").distinct()
    changed = holdings.where(F.col("ds") >= days.first).select(*POINT)
    authored = pins.where(F.col("ds") >= days.first).join(known, "pin_id", "left_semi").select(*POINT)
    points = changed.unionByName(authored)
    if frozen := days.month_firsts():
        points = points.unionByName(known.withColumn("ds", F.explode(F.array(*(F.lit(day) for day in frozen)))))
    return points.distinct()


def _supported(held: DataFrame, min_users: int) -> DataFrame:
    """(pin_id, ds, language, near, title, users, boards): a pin's titles that are no noise, each in its commonest spelling."""
    titled = held.withColumn("folded", folded(F.col("title"))).where(~is_noise(F.col("title"), F.col("folded")))
    near = near_key(F.col("language"), F.col("folded")).alias("near")
    # One row a user: distinct users are counted without gathering a popular pin's in one row. The first row stands for the board.
    by_title = titled.select(*POINT, "language", near, "title", "user_hashes")
    by_user = by_title.select(*POINT, "language", "near", "title", F.posexplode("user_hashes").alias("place", "user_hash"))
    board = F.col("place") == 0
    return (
        by_user.groupBy(*POINT, "language", "near")
        .agg(
            F.mode(F.when(board, F.col("title")), deterministic=True).alias("title"),
            F.count_distinct("user_hash").alias("users"),
            F.count_if(board).alias("boards"),
        )
        .where(F.col("users") >= min_users)
    )


def _rarity(titles: DataFrame, prevalence: DataFrame, min_boards: int) -> DataFrame:
    """(month, language, near, rarity): the mean over the words of a title's key of 100 x log2 of boards to boards with the word.

    Left out: titles of which every word stands on half of the boards. As words are counted in the form of the key, a title that stands on
    half of the boards, however it is inflected on each, is one of them. 100 for all where the language is not counted.
    """
    # There is one frozen day a month, so the month finds its rows; before it, nothing is held.
    counted = prevalence.where(F.col("total_boards") >= min_boards).withColumn("month", F.substring("ds", 1, 7)).drop("ds")
    totals = counted.groupBy("month", "language").agg(F.max("total_boards").alias("total"))
    by_word = titles.withColumn("word", F.explode(distinct_words(F.col("near")))).join(F.broadcast(totals), ["month", "language"], "left")
    by_word = by_word.join(counted.select("month", "language", "word", "boards"), ["month", "language", "word"], "left")
    # A word that was on no board is as rare as one on a single board. Spark's log2 is that of StrictMath: equal on every machine.
    rarity = F.coalesce(F.round(100 * F.log2(F.col("total") / F.coalesce("boards", F.lit(1)))).cast("bigint"), F.lit(100))
    common = F.coalesce(F.col("boards") * 2 >= F.col("total"), F.lit(False))
    by_title = by_word.groupBy(*TITLE).agg(F.sum(rarity).alias("sum"), F.count(F.lit(1)).alias("words"), F.bool_and(common).alias("common"))
    return by_title.where("not common").select(*TITLE, F.greatest(F.expr("sum div words"), F.lit(1)).alias("rarity"))


def _best(scored: DataFrame, titles: int) -> DataFrame:
    """(pin_id, ds, titles): the best scored ones, ties by title."""
    rank = F.row_number().over(W.partitionBy(*POINT).orderBy(F.desc("score"), "title"))
    entry = F.struct("rank", "title", "score", "boards")
    ranked = scored.withColumn("rank", rank).where(F.col("rank") <= titles)
    best = ranked.groupBy(*POINT).agg(F.array_sort(F.collect_list(entry)).alias("ranked"))
    shown = F.transform(
        "ranked", lambda one: F.struct(one["title"].alias("title"), one["score"].alias("score"), one["boards"].alias("boards"))
    )
    return best.select(*POINT, shown.alias("titles"))
