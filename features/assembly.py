"""From sources to the text that a model reads: order, labels and budgets, and the named variants that ablations compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.text import shortened

ALL = "all"
"""The variant with every source."""

LABELS = {
    "title": "title",
    "description": "description",
    "caption": "image",
    "captions": "images",
    "link_title": "page title",
    "link_description": "page",
    "board_titles": "boards",
    "engaged_queries": "searches",
    "brand": "brand",
    "category": "category",
    "product_types": "type",
    "colors": "color",
    "patterns": "pattern",
    "materials": "material",
    "size": "size",
    "size_type": "size type",
    "canonical_desc": "about",
}
# In characters. Nearly every honest value is shorter: what is longer is stuffed with keywords, or prose whose start says most.
BUDGETS = {
    "title": 200,  # forms and merchant feeds allow 100 to 150
    "description": 500,  # what the forms allow
    "caption": 200,  # a sentence
    "captions": 400,  # those of other views mostly repeat the first
    "link_title": 200,
    "link_description": 400,  # a meta description has 160; the rest is for those made of main text
    "board_titles": 300,  # ten titles of some three words
    "engaged_queries": 400,  # twenty queries of some three words
    "brand": 60,
    "category": 120,
    "product_types": 120,
    "colors": 80,
    "patterns": 80,
    "materials": 80,
    "size": 40,
    "size_type": 40,
    "canonical_desc": 400,
}


@dataclass(frozen=True)
class Assembly:
    """How the sources of one kind of entity become a text; ValueError where it makes no sense.

    Labels and budgets that are left out have the defaults above.
    """

    families: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """All sources of the entity, those of one origin together, in the order in which the paper adds them (arXiv 2410.17152): the caption,
    which everything has, is the baseline; what the entity says itself and its page follow; what users did comes last."""

    sources: tuple[str, ...]
    """The sources of the text, the most valuable first: what does not fit is cut from the last ones, by the characters here and by a
    model's tokenizer later."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What stands before a source's words, by source."""
    budgets: Mapping[str, int] = field(default_factory=dict)
    """The most characters of a source, by source."""
    characters: int = 1600
    """The most characters of the text, labels and line ends counted: some 400 tokens of English and 800 of Japanese, more than models read
    of a document, so that the tokenizer cuts last; and a bound on what a key hashes."""
    variant: str = ALL
    """Which of the sources are in the text (`variants`)."""

    def __post_init__(self) -> None:
        known = self.variants()[ALL]
        unknown = sorted({*self.sources, *self.labels, *self.budgets} - set(known))
        if unknown:
            raise ValueError(f"unknown sources {', '.join(unknown)}; known: {', '.join(known)}")
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise ValueError(f"sources must name each source once and at least one: {self.sources}")
        if min(self.characters, *self.budgets.values(), *BUDGETS.values()) < 1:
            raise ValueError("characters and budgets are at least 1")
        self.chosen(self.variant)

    @classmethod
    def variants(cls) -> dict[str, tuple[str, ...]]:
        """The sources of every variant by its name.

        `all`; `only_X` and `without_X` for each source and each family; `up_to_X` for the families, added one after the other.
        """
        everything = tuple(source for members in cls.families.values() for source in members)
        named = {**{source: (source,) for source in everything}, **cls.families}
        found = {ALL: everything}
        found |= {f"only_{name}": members for name, members in named.items()}
        found |= {f"without_{name}": tuple(s for s in everything if s not in members) for name, members in named.items()}
        so_far: tuple[str, ...] = ()
        for name, members in cls.families.items():
            so_far += members
            found[f"up_to_{name}"] = so_far
        return found

    def chosen(self, variant: str) -> tuple[str, ...]:
        """The sources of a variant in the order of the text; ValueError where it is unknown or none of its sources is in the text."""
        known = self.variants()
        if variant not in known:
            raise ValueError(f"unknown variant {variant}; known: {', '.join(known)}")
        found = tuple(source for source in self.sources if source in known[variant])
        if not found:
            raise ValueError(f"variant {variant} leaves none of the sources {', '.join(self.sources)}")
        return found


@dataclass(frozen=True)
class PinAssembly(Assembly):
    """How the sources of a pin become its text."""

    families = {
        "caption": ("caption",),
        "title_description": ("title", "description"),
        "link": ("link_title", "link_description"),
        "board_titles": ("board_titles",),
        "engaged_queries": ("engaged_queries",),
    }
    # Short and precise before long and vague. A list is sorted best first and loses little where it is cut; a description of 500
    # characters in front would leave no room for what users did, and where users did nothing it has the room.
    sources: tuple[str, ...] = (
        "title",
        "caption",
        "engaged_queries",
        "board_titles",
        "link_title",
        "description",
        "link_description",
    )


@dataclass(frozen=True)
class ProductAssembly(Assembly):
    """How the sources of a product become its text."""

    families = {
        "captions": ("captions",),
        "title_description": ("title", "description", "canonical_desc"),
        "attributes": ("brand", "category", "product_types", "colors", "patterns", "materials", "size", "size_type"),
        "link": ("link_title", "link_description"),
        "board_titles": ("board_titles",),
        "engaged_queries": ("engaged_queries",),
    }
    # As for pins, with what a merchant says in a word right behind the title; hardly any search asks for a size.
    sources: tuple[str, ...] = (
        "title",
        "brand",
        "product_types",
        "category",
        "colors",
        "patterns",
        "materials",
        "engaged_queries",
        "captions",
        "board_titles",
        "link_title",
        "description",
        "canonical_desc",
        "link_description",
        "size",
        "size_type",
    )


def assembled(rows: DataFrame, params: Assembly, variant: str | None = None) -> DataFrame:
    """The rows with text, text_hash and sources, made of the stored source columns; `variant` instead of the one in `params`."""
    types = dict(rows.dtypes)
    lines = [
        Line(
            name,
            params.labels.get(name, LABELS[name]),
            F.array_join(name, ", ") if types[name].startswith("array") else F.col(name),
            params.budgets.get(name, BUDGETS[name]),
        )
        for name in params.chosen(params.variant if variant is None else variant)
    ]
    return joined(rows, lines, params.characters).withColumn("text_hash", F.sha2("text", 256))


class Line(NamedTuple):
    """A source as it stands in a text: its name, its label, its words (null where it has none), and the most characters of them."""

    name: str
    label: str
    words: Column
    budget: int


def joined(rows: DataFrame, lines: Sequence[Line], characters: int) -> DataFrame:
    """The rows with text, the lines that have words, one below the other, and sources, the names of those."""
    given = [
        F.struct(
            F.lit(line.name).alias("name"),
            F.lit(f"{line.label}: ").alias("label"),
            line.words.alias("words"),
            F.lit(line.budget).alias("budget"),
        )
        for line in lines
    ]
    rows = rows.withColumn("_present", F.filter(F.array(*given), lambda source: source["words"].isNotNull()))
    text = F.aggregate("_present", F.lit(""), lambda so_far, source: _with_line(so_far, source, characters))
    return rows.withColumn("text", text).withColumn("sources", F.transform("_present", lambda source: source["name"])).drop("_present")


def _with_line(text: Column, source: Column, characters: int) -> Column:
    """The text with the source's line, as much of it as the budgets leave room for."""
    start = F.concat(F.when(text != "", F.lit("\n")).otherwise(F.lit("")), source["label"])
    room = F.least(source["budget"], F.lit(characters) - F.char_length(text) - F.char_length(start))
    line = shortened(source["words"], room)
    return F.when(line == "", text).otherwise(F.concat(text, start, line))
