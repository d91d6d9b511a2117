"""texts.pins: every text source of a pin in its own column, and the text that a model reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import logs
from features.text import cleaned, shortened
from jobs.days import Days
from schemas import texts

PIN = ("pin_id",)

LABELS = {
    "title": "title",
    "description": "description",
    "caption": "image",
    "link_title": "page title",
    "link_description": "page",
    "board_titles": "boards",
    "engaged_queries": "searches",
}
BUDGETS = {
    "title": 200,
    "description": 500,
    "caption": 200,
    "link_title": 200,
    "link_description": 400,
    "board_titles": 300,
    "engaged_queries": 400,
}


@dataclass(frozen=True)
class PinTextParams:
    """How the text is put together; ValueError where it makes no sense. Labels and budgets that are left out have their defaults."""

    sources: tuple[str, ...] = texts.SOURCES
    """The sources of the text, the most valuable first: what does not fit is cut from the last ones."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What stands before a source's words, by source."""
    budgets: Mapping[str, int] = field(default_factory=dict)
    """The most characters of a source, by source."""
    characters: int = 1600
    """The most characters of the text, labels and line ends counted."""

    def __post_init__(self) -> None:
        unknown = sorted({*self.sources, *self.labels, *self.budgets} - set(texts.SOURCES))
        if unknown:
            raise ValueError(f"unknown sources {', '.join(unknown)}; known: {', '.join(texts.SOURCES)}")
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise ValueError(f"sources must name each source once and at least one: {self.sources}")
        if min(self.characters, *self.budgets.values(), *BUDGETS.values()) < 1:
            raise ValueError("characters and budgets are at least 1")


def build(pins: DataFrame, link_texts: DataFrame, boards: DataFrame, queries: DataFrame, days: Days, params: PinTextParams) -> DataFrame:
    """A state for every pin and day on which one of its sources changed; a pin with no source has the text ''."""
    queries = queries.where(F.col("entity_type") == "pin").withColumnRenamed("entity_id", "pin_id").drop("entity_type")
    touched = _touched(pins, link_texts, boards, queries, days.first)
    pins = pins.join(touched, "pin_id", "left_semi")
    url = F.when(~F.col("deleted"), F.col("link_url")).alias("link_url")
    by_day = logs.merged(
        {
            "pin": logs.valued(pins, PIN, ("language", "title", "description")),
            "page": logs.joined(pins.select("ds", "pin_id", url), _pages(link_texts, pins), PIN, {"link_url": "url"}),
            "boards": logs.valued(boards.join(touched, "pin_id", "left_semi"), PIN, ("titles",)),
            "queries": logs.valued(queries.join(touched, "pin_id", "left_semi"), PIN, ("queries",)),
        },
        PIN,
    )
    return _assembled(_sources(by_day.where(F.col("ds") >= days.first)), params)


def _touched(pins: DataFrame, link_texts: DataFrame, boards: DataFrame, queries: DataFrame, first: str) -> DataFrame:
    """The distinct pins with a change in one of their sources, a page that they point to among them."""
    pages = logs.touched(link_texts, ("url",), first).withColumnRenamed("url", "link_url")
    pointing = pins.join(pages, "link_url", "left_semi").select("pin_id")
    own = [logs.touched(one, PIN, first) for one in (pins, boards, queries)]
    return pointing.unionByName(own[0]).unionByName(own[1]).unionByName(own[2]).distinct()


def _pages(link_texts: DataFrame, pins: DataFrame) -> DataFrame:
    """The log of the pages that these pins point to, cleaned once a page."""
    urls = pins.select(F.col("link_url").alias("url")).distinct()
    pages = link_texts.join(urls, "url", "left_semi")
    clean = pages.withColumn("_clean", F.transform(F.array("title", "description"), cleaned))
    clean = clean.withColumn("title", F.col("_clean")[0]).withColumn("description", F.col("_clean")[1])
    return logs.valued(clean, ("url",), ("title", "description"))


def _sources(states: DataFrame) -> DataFrame:
    """Every source in its own column, null where it is absent."""
    titles = F.transform("boards.titles", lambda one: one["title"])
    queries = F.transform("queries.queries", lambda one: one["query"])
    # One expression for both: `cleaned` is a large one, and a plan has to be made of it every night.
    states = states.withColumn("clean", F.transform(F.array("pin.title", "pin.description"), cleaned))
    return states.select(
        "ds",
        "pin_id",
        F.col("pin").isNull().alias("deleted"),
        F.col("pin.language").alias("language"),
        F.col("clean")[0].alias("title"),
        F.col("clean")[1].alias("description"),
        # No captions yet: they come with an optional input of signals.image_captions, joined by image_id as pages are by link_url.
        F.lit(None).cast("string").alias("caption"),
        F.col("page.title").alias("link_title"),
        F.col("page.description").alias("link_description"),
        F.when(F.size(titles) > 0, titles).alias("board_titles"),
        F.when(F.size(queries) > 0, queries).alias("engaged_queries"),
    )


def _assembled(rows: DataFrame, params: PinTextParams) -> DataFrame:
    """The rows with text, text_hash and sources."""
    types = dict(rows.dtypes)
    words = {name: F.array_join(name, ", ") if types[name].startswith("array") else F.col(name) for name in params.sources}
    given = [
        F.struct(
            F.lit(name).alias("name"),
            F.lit(f"{params.labels.get(name, LABELS[name])}: ").alias("label"),
            words[name].alias("words"),
            F.lit(params.budgets.get(name, BUDGETS[name])).alias("budget"),
        )
        for name in params.sources
    ]
    present = F.filter(F.array(*given), lambda source: source["words"].isNotNull())
    rows = rows.withColumn("_present", present)
    text = F.aggregate("_present", F.lit(""), lambda so_far, source: _with_line(so_far, source, params.characters))
    rows = rows.withColumn("text", text).withColumn("sources", F.transform("_present", lambda source: source["name"])).drop("_present")
    return rows.withColumn("text_hash", F.sha2("text", 256))


def _with_line(text: Column, source: Column, characters: int) -> Column:
    """The text with the source's line, as much of it as the budgets leave room for."""
    start = F.concat(F.when(text != "", F.lit("\n")).otherwise(F.lit("")), source["label"])
    room = F.least(source["budget"], F.lit(characters) - F.char_length(text) - F.char_length(start))
    line = shortened(source["words"], room)
    return F.when(line == "", text).otherwise(F.concat(text, start, line))
