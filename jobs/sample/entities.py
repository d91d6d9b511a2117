"""Pins and products by arithmetic: what number n is about, when it lives, and which numbers are about a wanted subject.

Pin n is about object n mod 36; along k = n div 36 (its popularity rank) the colours and then the styles take turns. Pins with k mod 5 = 3
are shopping pins, and product n is the product of pin n. So attributes, lifetimes and candidates need no join.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.sample.plan import Plan, quotient, spread
from jobs.sample.vocabulary import COLORS, OBJECTS, OBJECTS_A_TOPIC, SLOTS, STYLES

GROUP = len(OBJECTS)
SHOPPING_STEP, SHOPPING_REST = 5, 3
# The nearest earlier pin with the same object, colour and style: they can share an image or a page.
TWIN_DISTANCE = GROUP * len(COLORS) * len(STYLES)
UPDATE_DAYS = 100
DEATH_DAYS = 1_000
BIRTH_SHARE = 0.85


def placed(frame: DataFrame, plan: Plan) -> DataFrame:
    """The frame (with n) and what pin or product n is about, as numbers: topic, object, color, style (bigint).

    Here and elsewhere in steps of few columns: one large projection repeats its parts and does not compile.
    """
    thing, turns = F.col("object"), len(COLORS) * len(STYLES)
    frame = frame.withColumn("object", F.col("n") % F.lit(GROUP))
    frame = frame.withColumn("turn", quotient(F.col("n"), GROUP) + plan.below(turns, "turn", thing))
    return frame.withColumns(
        {
            "topic": quotient(thing, OBJECTS_A_TOPIC),
            "color": F.col("turn") % F.lit(len(COLORS)),
            "style": quotient(F.col("turn"), len(COLORS)) % F.lit(len(STYLES)),
        }
    ).drop("turn")


def slot(plan: Plan, n: Column) -> Column:
    """The language slot of pin and product n."""
    return plan.below(SLOTS, "pin slot", n)


def is_shopping(n: Column) -> Column:
    """True where pin n is a shopping pin."""
    return quotient(n, GROUP) % F.lit(SHOPPING_STEP) == SHOPPING_REST


def birth(plan: Plan, n: Column) -> Column:
    """The number of the day on which pin and product n first appear: mostly the first, the others spread over the rest."""
    if len(plan.days) == 1:
        return F.lit(0).cast("bigint")
    later = F.lit(1) + plan.below(len(plan.days) - 1, "birth day", n)
    return F.when(plan.chance(BIRTH_SHARE, "born first", n), F.lit(0)).otherwise(later).cast("bigint")


def death(plan: Plan, kind: str, n: Column) -> Column:
    """The number of the day on which an entity would be deleted: one in a thousand a day. It never is if that is not after its birth."""
    return F.lit(1) + plan.below(DEATH_DAYS, f"{kind} death", n)


def is_alive(born: Column, dead: Column, day: Column) -> Column:
    """True where an entity with that birth and death exists and is not deleted at the end of the day."""
    return (born <= day) & ((dead <= born) | (dead > day))


def timeline(frame: DataFrame, plan: Plan, kind: str) -> DataFrame:
    """A row for each n and day on which the entity has one (n, day, version, deleted): birth (version 0), updates (1, 2, ...), deletion.

    One in a hundred is updated on any day: entity n on every hundredth day from a phase of its own.
    """
    n, born, dead, phase = (F.col(name) for name in ("n", "born", "dead", "phase"))
    frame = frame.select(
        "n", birth(plan, n).alias("born"), death(plan, kind, n).alias("dead"), plan.below(UPDATE_DAYS, f"{kind} phase", n).alias("phase")
    )
    updates = F.transform(
        F.sequence(F.lit(0), F.lit(len(plan.days) // UPDATE_DAYS)),
        lambda i: _row(phase + i * F.lit(UPDATE_DAYS), i + F.lit(1), False),
    )
    rows = F.concat(F.array(_row(born, F.lit(0), False)), updates, F.array(_row(dead, F.lit(0), True)))
    shown = spread(frame, rows, "row").select("n", "born", "dead", "row.*")
    day, version, deleted = F.col("day"), F.col("version"), F.col("deleted")
    after = (day > born) | ((version == 0) & ~deleted)
    before = (day < dead) | (dead <= born) | deleted
    return shown.where((day < len(plan.days)) & after & before).drop("born", "dead")


def _row(day: Column, version: Column, deleted: bool) -> Column:
    return F.struct(day.cast("bigint").alias("day"), version.cast("int").alias("version"), F.lit(deleted).alias("deleted"))


def candidate(plan: Plan, wanted: Column, color: Column, shopping: Column, salt: str, *keys: Column) -> Column:
    """A number n of the wanted object, the popular ones more often; of the colour unless it is null; with a product where `shopping`.

    May lie beyond the lake's pins: the caller drops those.
    """
    turns = max(1, -(-plan.pins // GROUP))
    shade = (color - plan.below(len(COLORS) * len(STYLES), "turn", wanted)) % F.lit(len(COLORS))
    shade = F.pmod(shade, F.lit(len(COLORS)))

    def turn(step: int, rest: Column) -> Column:
        return plan.rank(max(1, turns // step), salt, *keys) * F.lit(step) + rest

    # k = 3 (mod 5) and k = shade (mod 8) hold together for k = 3 * 16 + shade * 25 (mod 40).
    both = len(COLORS) * SHOPPING_STEP
    sold = turn(SHOPPING_STEP, F.lit(SHOPPING_REST))
    sold_shade = turn(both, (F.lit(SHOPPING_REST * 16) + shade * F.lit(25)) % F.lit(both)) if turns >= 2 * both else sold
    k = (
        F.when(shopping & color.isNull(), sold)
        .when(shopping, sold_shade)
        .when(color.isNull(), turn(1, F.lit(0)))
        .otherwise(turn(len(COLORS), shade))
    )
    return k * F.lit(GROUP) + wanted


def pin_id(n: Column) -> Column:
    """The id of pin n."""
    return F.concat(F.lit("p"), n.cast("string"))


def product_id(n: Column) -> Column:
    """The id of product n."""
    return F.concat(F.lit("d"), n.cast("string"))


def shares_with_twin(plan: Plan, what: str, probability: float, n: Column) -> Column:
    """True where n uses the twin's image or page instead of its own: the twin has its own, and had it on the first day."""
    twin = n - F.lit(TWIN_DISTANCE)
    own = plan.chance(probability, f"{what} shared", n)
    return (twin >= 0) & own & ~plan.chance(probability, f"{what} shared", twin) & (birth(plan, twin) == 0)
