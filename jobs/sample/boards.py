"""raw.board_saves of the sample lake: boards with titles that say something, boards with titles that do not."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, events, phrases
from jobs.sample.plan import Plan, picked, quotient, spread
from jobs.sample.vocabulary import COLORS, FIRST_SLOTS, LANGUAGES, OBJECTS, OBJECTS_A_TOPIC, SLOTS, STYLES
from jobs.sample.wording import NOISE_BOARDS

CELLS = SLOTS * len(OBJECTS)
NOISE, RENAMED, REMOVED, SHARED = 0.35, 0.05, 0.06, 0.1
ON_TOPIC, SAME_LANGUAGE = 0.75, 0.85


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.board_saves: half of the saves follow the pins' popularity, three in four go to a board of the pin's topic."""
    save = F.col("save")
    saves = plan.rows(spark, plan.saves * len(plan.days), "save").withColumn("day", events.day_of(save, plan.saves))
    anything = plan.below(len(OBJECTS), "saved object", save)
    popular = entities.candidate(plan, anything, F.lit(None), F.lit(False), "saved", save)
    saves = saves.withColumn(
        "n", F.when(plan.chance(0.5, "saved popular", save), popular).otherwise(plan.below(plan.pins, "saved any", save))
    )
    saves = saves.withColumns({"born": entities.birth(plan, F.col("n")), "dead": entities.death(plan, "pin", F.col("n"))})
    real = (F.col("n") < plan.pins) & entities.is_alive(F.col("born"), F.col("dead"), F.col("day"))
    saves = saves.withColumn("real", real)
    saves = saves.withColumn("board", _board(plan, save, F.col("n"))).withColumn("user", _user(plan, save, F.col("board")))
    return events.arrived(_acted(saves, plan), plan, (save, F.col("act"))).select(
        "ds",
        F.concat_ws("-", F.concat(F.lit("s"), save.cast("string")), F.col("act").cast("string")).alias("event_id"),
        entities.pin_id(F.col("n")).alias("pin_id"),
        F.concat(F.lit("b"), F.col("board").cast("string")).alias("board_id"),
        "board_title",
        F.concat(F.lit("u"), F.col("user").cast("string")).alias("user_id"),
        picked(("save", "remove"), F.col("act")).alias("action"),
        "ts",
    )


def _board(plan: Plan, save: Column, n: Column) -> Column:
    """The board a pin is saved to. Board b lies in cell b mod 720: an object and a language slot."""
    topic = quotient(n % F.lit(len(OBJECTS)), OBJECTS_A_TOPIC)
    same = topic * F.lit(OBJECTS_A_TOPIC) + plan.below(OBJECTS_A_TOPIC, "board object", save)
    thing = F.when(plan.chance(ON_TOPIC, "on topic", save), same).otherwise(plan.below(len(OBJECTS), "any board", save))
    slot = F.when(plan.chance(SAME_LANGUAGE, "same language", save), entities.slot(plan, n)).otherwise(FIRST_SLOTS[0]).cast("bigint")
    copies = max(1, plan.pins // (CELLS * 5))
    return plan.rank(copies, "board", save) * F.lit(CELLS) + thing * F.lit(SLOTS) + slot


def _user(plan: Plan, save: Column, board: Column) -> Column:
    """The owner of the board, or for one save in ten one of its few guests."""
    spoken = phrases.language(board % F.lit(SLOTS))
    guest = F.when(plan.chance(SHARED, "guest", save), F.lit(1) + plan.below(3, "which guest", save)).otherwise(0)
    return plan.below(plan.users, "owner", board, guest) * F.lit(len(LANGUAGES)) + spoken


def _acted(saves: DataFrame, plan: Plan) -> DataFrame:
    """Saves (act 0), and for a few of them the removal (act 1) up to ten days later, with the title that the board has by then."""
    save, day = F.col("save"), F.col("day")
    later = day + F.lit(1) + plan.below(10, "removed after", save)
    days = F.when(plan.chance(REMOVED, "removed", save), F.array(day, later)).otherwise(F.array(day))
    # Not a filter: it would be pushed below the steps that made its columns and repeat them all.
    days = F.when(F.col("real"), days)
    acted = spread(saves.withColumn("days", days).drop("day"), F.col("days"), "day", "act").where(F.col("day") < len(plan.days))
    second = plan.second(F.col("day")) + plan.below(86_000, "save second", save)
    return acted.withColumn("second", second).withColumn("board_title", title(plan, F.col("board"), F.col("day")))


def title(plan: Plan, board: Column, day: Column) -> Column:
    """The title of a board on a day: a third are noise; a few boards are renamed once."""
    thing, spoken = quotient(board % F.lit(CELLS), SLOTS), phrases.language(board % F.lit(SLOTS))
    renamed = plan.chance(RENAMED, "renamed", board) & (day >= plan.below(60, "renamed on", board))
    color = F.when(plan.chance(0.4, "board color", board), plan.below(len(COLORS), "which color", board))
    style = F.when(plan.chance(0.2, "board style", board), plan.below(len(STYLES), "which style", board))
    choice = F.pmod(plan.below(3, "board words", board) + renamed.cast("int"), F.lit(3).cast("bigint"))
    topic = phrases.topic_word(spoken, quotient(thing, OBJECTS_A_TOPIC))
    good = phrases.capitalised(phrases.sentence("boards", spoken, choice, phrases.phrase(spoken, thing, color, style), topic))
    noise = picked(NOISE_BOARDS, plan.below(len(NOISE_BOARDS), "noise", board))
    return F.when(plan.chance(NOISE, "noisy board", board), noise).otherwise(good)
