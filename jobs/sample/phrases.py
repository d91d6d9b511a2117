"""Words of the sample lake as columns: phrases such as "red striped vase" in nine languages, and sentences around them."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.sample import entities
from jobs.sample.plan import Plan, picked
from jobs.sample.vocabulary import COLORS, LANGUAGES, OBJECTS, SLOT_LANGUAGES, STYLES, TOPICS
from jobs.sample.wording import WORDING


def language(slot: Column) -> Column:
    """The number of a slot's language."""
    return picked(SLOT_LANGUAGES, slot).cast("bigint")


def code(number: Column) -> Column:
    """The ISO 639-1 code of a language number."""
    return picked(tuple(spoken.code for spoken in LANGUAGES), number)


def country(number: Column, choice: Column) -> Column:
    """One of three countries where a language is spoken."""
    return picked([place for spoken in LANGUAGES for place in spoken.countries], number * F.lit(3) + choice)


def told(frame: DataFrame, plan: Plan) -> DataFrame:
    """The frame (with n) and what is said of pin or product n: language (its number), topic, object, color, style, words, topic_words."""
    placed = entities.placed(frame, plan).withColumn("language", language(entities.slot(plan, F.col("n"))))
    return placed.withColumns(
        {
            "words": phrase(F.col("language"), F.col("object"), F.col("color"), F.col("style")),
            "topic_words": topic_word(F.col("language"), F.col("topic")),
        }
    )


def said(part: str, choice: Column, words: Column | None = None) -> Column:
    """One of the templates of that part, filled in for a row that `told` has seen, with its first letter in upper case."""
    full = F.col("words") if words is None else words
    return capitalised(sentence(part, F.col("language"), choice, full, F.col("topic_words")))


def topic_word(number: Column, topic: Column) -> Column:
    """The topic in the language of that number."""
    return picked([word for spoken in LANGUAGES for word in spoken.topics], number * F.lit(len(TOPICS)) + topic)


def phrase(number: Column, thing: Column, color: Column, style: Column) -> Column:
    """Object, colour and style (each of the last two may be null) in the order and with the spaces of the language."""
    noun = picked([word for spoken in LANGUAGES for word in spoken.objects], number * F.lit(len(OBJECTS)) + thing)
    shade = picked([word for spoken in LANGUAGES for word in spoken.colors], number * F.lit(len(COLORS)) + color)
    look = picked([word for spoken in LANGUAGES for word in spoken.styles], number * F.lit(len(STYLES)) + style)
    noun_first = picked([spoken.noun_first for spoken in LANGUAGES], number)
    spaced = picked([spoken.spaced for spoken in LANGUAGES], number)
    attributes = F.concat_ws(" ", shade, look)
    words = F.when(noun_first, F.concat_ws(" ", noun, shade, look)).otherwise(F.trim(F.concat(attributes, F.lit(" "), noun)))
    return F.when(spaced, words).otherwise(F.replace(words, F.lit(" "), F.lit("")))


def sentence(part: str, number: Column, choice: Column, words: Column, topic: Column) -> Column:
    """One of the language's templates of that part (titles, descriptions, boards, paragraphs) with phrase and topic filled in."""
    templates = [getattr(WORDING[spoken.code], part) for spoken in LANGUAGES]
    size = len(templates[0])
    template = picked([text for some in templates for text in some], number * F.lit(size) + choice)
    return F.replace(F.replace(template, F.lit("{p}"), words), F.lit("{t}"), topic)


def capitalised(text: Column) -> Column:
    """The text with its first letter in upper case."""
    return F.concat(F.upper(F.substring(text, 1, 1)), F.substr(text, F.lit(2)))


def topic_name(topic: Column) -> Column:
    """The topic's name in sample.truth."""
    return picked(TOPICS, topic)


def object_name(thing: Column) -> Column:
    """The object's name in sample.truth."""
    return picked(OBJECTS, thing)


def color_name(color: Column) -> Column:
    """The colour's name in sample.truth."""
    return picked(COLORS, color)


def style_name(style: Column) -> Column:
    """The style's name in sample.truth."""
    return picked(STYLES, style)
