"""Queries by arithmetic: what query q asks for, how it is written, and how people type it.

The first 720 queries are all language slots times all objects, in an order that depends on the seed; each further 720 ask for the same with
other attributes, so that no two queries are the same text.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.sample import phrases
from jobs.sample.plan import Plan, picked, quotient
from jobs.sample.vocabulary import COLORS, FIRST_SLOTS, LANGUAGES, OBJECTS, OBJECTS_A_TOPIC, SLOTS, STYLES, TOPICS
from jobs.sample.wording import CANARIES, WORDING

TIER = SLOTS * len(OBJECTS)
STRIDE, STRIDE_INVERSE = 287, 143  # 287 * 143 = 1 (mod 720)
LOOKS = (len(COLORS) + 1) * (len(STYLES) + 1)
ASCII = "".join(chr(n) for n in range(33, 127))
FULL_WIDTH = "".join(chr(n + 0xFEE0) for n in range(33, 127))


def wished(frame: DataFrame, plan: Plan, q: Column, prefix: str) -> DataFrame:
    """The frame and what query q asks for, as numbers, in columns that begin with the prefix.

    They are slot, language, topic, object, color, style (null where the query names none) and number, which tells texts apart once all
    attributes are used up (0: no number in the text).
    """
    place, tier, mixed, look = (F.col(prefix + name) for name in ("place", "tier", "mixed", "look"))
    frame = frame.withColumns({prefix + "place": q % F.lit(TIER), prefix + "tier": quotient(q, TIER)})
    order = F.lit(plan.number("query order") % TIER)
    frame = frame.withColumns(
        {
            prefix + "mixed": (place * F.lit(STRIDE) + order) % F.lit(TIER),
            prefix + "look": (tier + _first_look(plan, place)) % F.lit(LOOKS),
        }
    )
    slot, thing = mixed % F.lit(SLOTS), quotient(mixed, SLOTS)
    color, style = quotient(look, len(STYLES) + 1), look % F.lit(len(STYLES) + 1)
    numbers = {
        "slot": slot,
        "language": phrases.language(slot),
        "topic": quotient(thing, OBJECTS_A_TOPIC),
        "object": thing,
        "color": F.when(color > 0, color - 1),
        "style": F.when(style > 0, style - 1),
        "number": quotient(tier, LOOKS),
    }
    known = frame.withColumns({prefix + name: value.cast("bigint") for name, value in numbers.items()})
    return known.drop(*(prefix + name for name in ("place", "tier", "mixed", "look")))


def _first_look(plan: Plan, place: Column) -> Column:
    """Colour and style of the head query at a place: none, a colour, a style or both."""
    color = (F.lit(1) + plan.below(len(COLORS), "query color", place)) * F.lit(len(STYLES) + 1)
    style = F.lit(1) + plan.below(len(STYLES), "query style", place)
    kind = plan.share("query look", place)
    return F.when(kind < 0.3, F.lit(0)).when(kind < 0.65, color).when(kind < 0.8, style).otherwise(color + style).cast("bigint")


def head_query(plan: Plan, slot: Column, thing: Column) -> Column:
    """The query below 720 that asks in that slot for that object."""
    mixed = thing * F.lit(SLOTS) + slot
    return F.pmod((mixed - F.lit(plan.number("query order") % TIER)) * F.lit(STRIDE_INVERSE), F.lit(TIER).cast("bigint"))


def suggestion(plan: Plan, prefix: str, *keys: Column) -> Column:
    """A head query of the same language and object as the wished one, which may be the same query."""
    spoken = F.col(prefix + "language")
    slots = picked([some.slots for some in LANGUAGES], spoken).cast("bigint")
    slot = picked(FIRST_SLOTS, spoken).cast("bigint") + F.pmod(plan.draw("suggestion", *keys), slots)
    return head_query(plan, slot, F.col(prefix + "object"))


def text(prefix: str) -> Column:
    """The wished query as it is written when nobody is careless: lower case, one space between words, composed letters."""
    slot, spoken, thing, color, style, number = (
        F.col(prefix + name) for name in ("slot", "language", "object", "color", "style", "number")
    )
    templates = [template for some in LANGUAGES for template in WORDING[some.code].queries]
    written = F.lower(F.replace(picked(templates, slot), F.lit("{p}"), phrases.phrase(spoken, thing, color, style)))
    return F.concat(written, F.when(number > 0, F.concat(F.lit(" "), number.cast("string"))).otherwise(F.lit("")))


def typed(plan: Plan, written: Column, *keys: Column) -> Column:
    """The query as somebody typed it: other case, stray spaces, full-width forms."""
    habit = plan.share("typing", *keys)
    wide = F.replace(F.translate(written, ASCII, FULL_WIDTH), F.lit(" "), F.lit("\u3000"))
    return (
        F.when(habit < 0.70, written)
        .when(habit < 0.80, phrases.capitalised(written))
        .when(habit < 0.85, F.upper(written))
        .when(habit < 0.92, F.concat(F.lit("  "), F.replace(written, F.lit(" "), F.lit("  "))))
        .when(habit < 0.96, wide)
        .otherwise(F.concat(written, F.lit("\t")))
    )


def canary(plan: Plan, n: Column) -> Column:
    """Text number n that should have stayed private; every one holds the word zqsecret."""
    template = picked(CANARIES, plan.below(len(CANARIES), "canary", n))
    return F.replace(template, F.lit("{n}"), n.cast("string"))


def is_labelled(plan: Plan, topic: Column) -> Column:
    """True where raters see the topic: half of the topics do not get labels."""
    return topic.cast("int").isin(*labelled_topics(plan))


def labelled_topics(plan: Plan) -> tuple[int, ...]:
    """The numbers of the topics that raters see."""
    order = sorted(range(len(TOPICS)), key=lambda topic: plan.number(f"labelled {topic}"))
    return tuple(sorted(order[: len(TOPICS) // 2]))
