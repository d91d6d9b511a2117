"""signals.pin_boards: the boards that hold a pin, and who saved it there."""

from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from features import logs
from features.events import counted
from features.text import MASK
from jobs.cleaning import clean
from jobs.days import Days

PAIR = ("pin_id", "board_id")
ACTIONS = ("save", "remove")


def build(events: DataFrame, holdings: DataFrame, days: Days) -> DataFrame:
    """A state for every pin, board and day with an event: its users after their last actions of the day; none left, deleted.

    `holdings`: the newest rows of the table itself before the days; those of the pairs with an event are returned too.
    """
    rows = counted(events, days.first, days.last, ("pin_id", "board_id", "user_id", "action"), {"action": ACTIONS})
    good = rows.where(F.col("refused").isNull())
    opening = holdings.join(good.select(*PAIR).distinct(), list(PAIR), "left_semi")
    users = logs.gathered(_holders(good, opening), PAIR, (*PAIR, "user_hash"), days.first)
    states = users.groupBy("ds", *PAIR).agg(F.sort_array(F.collect_set("user_hash")).alias("user_hashes"))
    titled = states.join(_titles(good), ["ds", *PAIR], "left").unionByName(
        opening.select("ds", *PAIR, "user_hashes", F.struct("title").alias("named"))
    )
    refused = rows.where(F.col("refused").isNotNull()).select("ds", *PAIR, "refused", "refused_key")
    return _carried(titled).unionByName(refused, allowMissingColumns=True)


def _holders(events: DataFrame, opening: DataFrame) -> DataFrame:
    """A log by pin, board and user: held or not, by the last action of each day."""
    last = F.max_by("action", F.struct("ts", "event_id"))
    acted = events.withColumn("user_hash", F.sha2("user_id", 256)).groupBy("ds", *PAIR, "user_hash").agg(last.alias("action"))
    before = opening.select("ds", *PAIR, F.explode("user_hashes").alias("user_hash"), F.lit(False).alias("deleted"))
    return before.unionByName(acted.select("ds", *PAIR, "user_hash", (F.col("action") == "remove").alias("deleted")))


def _titles(events: DataFrame) -> DataFrame:
    """The title at the newest event of each day that names one, in a struct; in it null where it holds personal data."""
    newest = F.max(F.struct("ts", "event_id", "board_title")).alias("newest")
    by_day = events.where(F.trim("board_title") != "").groupBy("ds", *PAIR).agg(newest)
    by_day = clean(by_day, title="newest.board_title")
    kept = F.when(~F.contains("title", F.lit(MASK)), F.col("title"))
    return by_day.select("ds", *PAIR, F.struct(kept.alias("title")).alias("named"))


def _carried(rows: DataFrame) -> DataFrame:
    """Each row with the newest title up to it. A pair that was given up forgets its title: its tombstone holds none either."""
    by_day = W.partitionBy(*PAIR).orderBy("ds")
    gone = F.size("user_hashes") == 0
    rows = rows.withColumn("deleted", gone)
    lives = F.count_if("deleted").over(by_day.rowsBetween(W.unboundedPreceding, -1))
    rows = rows.withColumn("_life", F.coalesce(lives, F.lit(0)))
    newest = F.last("named", ignorenulls=True).over(W.partitionBy(*PAIR, "_life").orderBy("ds"))
    return rows.withColumn("title", newest["title"]).select("ds", *PAIR, "title", "user_hashes", "deleted")
