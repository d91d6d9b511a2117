"""The planted relevance: what a perfect rater would say."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Subject:
    """What a query asks for or an entity is, as names (sample.truth) or as numbers; a query may leave colour and style null."""

    topic: Column
    object: Column
    color: Column
    style: Column

    @classmethod
    def of(cls, prefix: str) -> Subject:
        """The subject in the columns prefix + topic, object, color, style."""
        return cls(*(F.col(prefix + name) for name in ("topic", "object", "color", "style")))


def grade(query: Subject, entity: Subject) -> Column:
    """The grade (int) of an entity for a query.

    5: topic, object and all attributes (colour, style) that the query names match.
    4: topic and object match, and one named attribute does not.
    3: topic and object match, and neither of two named attributes does; or the topic and every named attribute (at least one)
       match, but the object does not.
    2: the topic matches, nothing above holds.
    1: another topic.
    """
    named = F.when(query.color.isNotNull(), 1).otherwise(0) + F.when(query.style.isNotNull(), 1).otherwise(0)
    wrong = F.when(query.color != entity.color, 1).otherwise(0) + F.when(query.style != entity.style, 1).otherwise(0)
    return (
        F.when(query.topic != entity.topic, 1)
        .when(query.object == entity.object, F.lit(5) - wrong)
        .when((named > 0) & (wrong == 0), 3)
        .otherwise(2)
        .cast("int")
    )
