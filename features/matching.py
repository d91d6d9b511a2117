"""Word match of a query with an entity's text: BM25, the query as a phrase, the share of its words. Column expressions only.

The same expressions make the numbers that a student is trained on and those of a file that it scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.words import words
from schemas.features import TEXT_NUMBERS
from schemas.texts import PRODUCT_SOURCES, SOURCES

K1, B = 1.5, 0.75
"""Defaults of BM25's saturation and of its normalisation by length (Robertson and Zaragoza 2009, section 3)."""
_LABEL = r"(?m)^[^:\n]+: "
"""What stands before the words of a line (features/assembly.py)."""
MADE_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pin": {
        "title": ("title",),
        "description": ("description",),
        "caption": ("caption",),
        "link": ("link_title", "link_description"),
        "boards": ("board_titles",),
        "queries": ("engaged_queries",),
    },
    "product": {
        "title": ("title",),
        "description": (
            "description",
            "canonical_desc",
            "brand",
            "category",
            "product_types",
            "colors",
            "patterns",
            "materials",
            "size",
            "size_type",
        ),
        "caption": ("captions",),
        "link": ("link_title", "link_description"),
        "boards": ("board_titles",),
        "queries": ("engaged_queries",),
    },
}
"""Which sources of a pin or product make each of MATCHED."""
assert {s for made in MADE_OF["pin"].values() for s in made} == set(SOURCES)
assert {s for made in MADE_OF["product"].values() for s in made} == set(PRODUCT_SOURCES)


def matched_text(kind: str, source: str, types: Mapping[str, str]) -> Column:
    """The words of one of MATCHED as one text, null where the entity has none of its sources; `types`: the columns' types by name.

    Parts and list entries stand on lines of their own, so that a phrase does not run over their ends.
    """
    parts = [F.array_join(name, "\n") if types[name].startswith("array") else F.col(name) for name in MADE_OF[kind][source]]
    joined = F.concat_ws("\n", *parts)
    return F.when(joined != "", joined)


def phrase(query: Column, text: Column) -> Column:
    """1.0 where the query's words stand in the text in their order and nothing between, else 0.0; both are arrays of words."""
    # A mark that no word holds, before and behind each word.
    seam = "\x1f"

    def strung(one: Column) -> Column:
        return F.concat(F.lit(seam), F.array_join(one, seam), F.lit(seam))

    return F.when((F.size(query) > 0) & F.contains(strung(text), strung(query)), 1.0).otherwise(0.0)


def share(query: Column, text: Column) -> Column:
    """The share of the query's distinct words that the text has; 0.0 for a query without words. Both are arrays of words."""
    asked = F.array_distinct(query)
    return F.coalesce(F.size(F.array_intersect(asked, text)) / F.nullif(F.size(asked), F.lit(0)), F.lit(0.0))


def bm25(query: Column, text: Column, found_in: Column, entities: Column, all_words: Column) -> Column:
    """BM25 of a text for a query, in Lucene's form (no factor k1 + 1), over the query's words, repeats counted; 0.0 where no word is known.

    Robertson and Zaragoza 2009, section 3.1, with idf = ln(1 + (N - n + .5) / (n + .5)), never negative. `query`, `text`: arrays of
    words; `found_in`: map of a word to n, in how many entities' source it stands; `entities`: N, those that have the source; `all_words`:
    the words of all of them together.
    """
    length = F.size(text)
    average = all_words / entities

    def one(word: Column) -> Column:
        times = F.size(F.filter(text, lambda other: other == word)).cast("double")
        n = F.coalesce(F.element_at(found_in, word), F.lit(0)).cast("double")
        idf = F.log1p((entities - n + 0.5) / (n + 0.5))
        return F.when(n > 0, idf * times / (times + K1 * (1 - B + B * length / average))).otherwise(0.0)

    return F.coalesce(F.aggregate(F.transform(query, one), F.lit(0.0), lambda so_far, part: so_far + part), F.lit(0.0))


def text_numbers(query: Column, text: Column) -> list[Column]:
    """TEXT_NUMBERS of a query and a text, each null where one of the two is."""
    # One struct, and one variable for each array of words: a Column that is named five times is computed five times.
    own = F.regexp_replace(text, _LABEL, "")
    given = F.array(F.struct(words(query).alias("q"), words(own).alias("t"), words(F.split_part(own, F.lit("\n"), F.lit(1))).alias("f")))
    told = F.transform(
        given,
        lambda one: F.array(
            F.size(one["q"]).cast("double"),
            phrase(one["q"], one["t"]),
            share(one["q"], one["t"]),
            phrase(one["q"], one["f"]),
            share(one["q"], one["f"]),
        ),
    )[0]
    known = query.isNotNull() & text.isNotNull()
    return [F.when(known, told[n]).cast("float").alias(name) for n, name in enumerate(TEXT_NUMBERS)]


def numbers(known: Mapping[str, Column], order: Sequence[str]) -> Column:
    """array<float> of the numbers in their order, null for what is not known."""
    return F.array(*(known.get(name, F.lit(None)).cast("float") for name in order))


def log_of(count: Column) -> Column:
    """ln(1 + n): counts of people spread over many powers of ten."""
    return F.log1p(count.cast("double"))
