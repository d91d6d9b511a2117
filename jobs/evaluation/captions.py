"""Captions against people's words for the same images, and against what was planted in a sample lake; chance stands beside each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.evaluation.metrics import Metric
from udfs.titles import near_key

MEASURED = 1_000
"""Most images that are compared with people's words, every one with every other: taken by the hash of their ids."""
PLANTED = ("object", "color", "style")
_RESAMPLED = 2_000
_RETRIEVED = (1, 10)

Numbers = npt.NDArray[np.float64]


def evaluate(gold: DataFrame, captions: DataFrame, refused: DataFrame) -> dict[str, object]:
    """How many images have a caption or are quarantined, and how much of people's captions it says.

    `gold`: image_id, caption as people wrote it; `captions`: signals.image_captions as of a day; `refused`: rows of quarantine.
    Content words are lemmas without small words, each once. F1, recall and precision are means over images; an image without a caption
    says nothing and scores 0. Beside them, in the same units: the captions of all other images (`shuffled`) and one caption for all
    images made of the words that people used most (`common_words`). Retrieval finds an image's own words among those of all images,
    by F1; images that tie share the places. `low` and `high` bound the middle 95 % of means over resampled images.
    """
    wrote = gold.groupBy("image_id").agg(F.min_by("caption", F.struct(F.length("caption"), "caption")).alias("wrote"))
    wrote = wrote.where(F.trim("wrote") != "")
    kept = refused.select(F.get_json_object("row_key", "$.image_id").alias("image_id"), F.lit(True).alias("kept")).distinct()
    rows = wrote.join(captions.select("image_id", "caption"), "image_id", "left").join(kept, "image_id", "left").persist()
    counted = rows.agg(
        F.count(F.lit(1)).alias("images"),
        F.count("caption").alias("rows"),
        F.count_if(F.col("caption").isNull() & F.col("kept").isNotNull()).alias("quarantined"),
    )
    found: dict[str, object] = counted.collect()[0].asDict()  # one row
    chosen = rows.orderBy(F.xxhash64("image_id"), "image_id").limit(MEASURED)
    words = chosen.select("image_id", content_words(F.col("wrote")).alias("wrote"), content_words(F.col("caption")).alias("said"))
    words = words.where(F.size("wrote") > 0).persist()
    found |= _measured(words)
    words.unpersist()
    rows.unpersist()
    return found


def planted(pins: DataFrame, truth: DataFrame) -> DataFrame:
    """image_id, object, color and style of every image that a pin of the sample lake shows, from raw.pin_updates and sample.truth."""
    about = truth.where(F.col("entity_type") == "pin").select(F.col("entity_id").alias("pin_id"), *PLANTED)
    shows = pins.where(F.col("image_id").isNotNull()).select("pin_id", "image_id").distinct()
    return shows.join(about, "pin_id").groupBy("image_id").agg(*(F.min(name).alias(name) for name in PLANTED))


def evaluate_planted(images: DataFrame, captions: DataFrame) -> dict[str, object]:
    """The share of captions that name the object, colour and style of their image, and the share if captions were dealt at random.

    `images`: image_id, object, color, style (sample.truth of the pins that show them); `captions`: signals.image_captions as of a day.
    The second share is exact: of all pairs of a caption and an image, those in which the caption names what the image shows.
    """
    rows = images.join(captions.select("image_id", "caption"), "image_id", "left")
    said = F.split(F.lower(F.coalesce("caption", F.lit(""))), "[^a-z]+")
    rows = rows.select(*PLANTED, F.col("caption").isNotNull().alias("has"), F.array_distinct(said).alias("said")).persist()
    counted = rows.agg(
        F.count(F.lit(1)).alias("images"),
        F.count_if("has").alias("rows"),
        *(F.count_if(F.array_contains("said", F.col(name))).alias(name) for name in PLANTED),
    ).collect()[0]  # one row
    words = rows.select(F.explode("said").alias("word")).groupBy("word").agg(F.count(F.lit(1)).alias("said"))
    found: dict[str, object] = {"images": counted["images"], "rows": counted["rows"]}
    for name in PLANTED:
        shown = rows.groupBy(F.col(name).alias("word")).agg(F.count(F.lit(1)).alias("shown"))
        dealt = shown.join(words, "word").agg(F.sum(F.col("said") * F.col("shown")).alias("pairs")).collect()[0].pairs or 0  # one row
        found[name] = {
            "right": counted[name],
            "share": _share(counted[name], counted["images"]),
            "shuffled": _share(dealt, counted["images"] ** 2),
        }
    rows.unpersist()
    return found


def metrics(data_set: str, found: Mapping[str, Any], versions: Mapping[str, int]) -> list[Metric]:
    """Rows of evaluation.metrics of what `evaluate` or `evaluate_planted` found."""
    rows = []
    for group, measures in found.items():
        if not isinstance(measures, Mapping):
            rows.append((group, float(measures), found["images"], None, None))
        elif group in PLANTED:
            rows += [(f"{group}_{name}", measures[name], found["images"], None, None) for name in ("share", "shuffled")]
        else:
            named = {group: measures} if "mean" in measures else {f"{group}_{k}": v for k, v in measures.items() if k != "words"}
            rows += [(name, one["mean"], found["measured"], one["low"], one["high"]) for name, one in named.items()]
    return [Metric(data_set, "all", *row, table_versions=versions) for row in rows]


def content_words(text: Column) -> Column:
    """The distinct English lemmas of a text without small words; empty where there are none."""
    folded = F.trim(F.regexp_replace(F.lower(F.coalesce(text, F.lit(""))), r"[^\p{L}\p{N}]+", " "))
    return F.array_remove(F.split(near_key(F.lit("en"), folded), " "), "")


def _measured(words: DataFrame) -> dict[str, object]:
    """The measures of `evaluate` over rows of image_id and the words that people wrote and the model said."""
    common = _common(words)
    said = words.select(F.col("image_id").alias("other_id"), F.col("said").alias("other_said"))
    pairs = words.select("image_id", "wrote", "said").crossJoin(F.broadcast(said))
    own = F.col("image_id") == F.col("other_id")
    score = {name: formula(F.col("wrote"), F.col("other_said")) for name, formula in _SCORES.items()}
    flat = pairs.select("image_id", own.alias("own"), *(value.alias(name) for name, value in score.items()))
    by_image = flat.groupBy("image_id").agg(
        *(F.max(F.when(F.col("own"), F.col(name))).alias(name) for name in _SCORES),
        *(F.avg(F.when(~F.col("own"), F.col(name))).alias(f"shuffled_{name}") for name in _SCORES),
    )
    constant = F.array(*map(F.lit, common)) if common else F.array().cast("array<string>")
    stated = words.select("image_id", *(f(F.col("wrote"), constant).alias(f"common_{name}") for name, f in _SCORES.items()))
    ranks = _ranks(words)
    rows = by_image.join(stated, "image_id").join(ranks, "image_id").orderBy("image_id").collect()  # a row an image, at most MEASURED
    column = {name: np.array([row[name] or 0.0 for row in rows], dtype=np.float64) for name in by_image.columns[1:] + stated.columns[1:]}
    lift = column["f1"] - column["shuffled_f1"]
    return {
        "measured": len(rows),
        "content_words": {name: _mean(column[name]) for name in _SCORES},
        "shuffled": {name: _mean(column[f"shuffled_{name}"]) for name in _SCORES},
        "common_words": {"words": common, **{name: _mean(column[f"common_{name}"]) for name in _SCORES}},
        "f1_above_shuffled": _mean(lift),
        "retrieval": _retrieval([(row.better, row.equal) for row in rows]),
    }


def _common(words: DataFrame) -> list[str]:
    """The words that people used most, as many as they use for an image in the mean."""
    size = words.agg(F.round(F.avg(F.size("wrote"))).cast("int").alias("size")).collect()[0].size  # one row
    counted = words.select(F.explode("wrote").alias("word")).groupBy("word").count()
    return [row.word for row in counted.orderBy(F.desc("count"), "word").limit(size or 0).collect()]


def _ranks(words: DataFrame) -> DataFrame:
    """For each image, how many images' own words fit its caption better than those written for it, and how many as well."""
    wrote = words.select(F.col("image_id").alias("other_id"), F.col("wrote").alias("other_wrote"))
    pairs = words.crossJoin(F.broadcast(wrote)).where(F.col("image_id") != F.col("other_id"))
    mine, theirs = _f1(F.col("wrote"), F.col("said")), _f1(F.col("other_wrote"), F.col("said"))
    counted = pairs.select("image_id", mine.alias("mine"), theirs.alias("theirs")).groupBy("image_id")
    counts = counted.agg(
        F.count_if(F.col("theirs") > F.col("mine")).alias("better"), F.count_if(F.col("theirs") == F.col("mine")).alias("equal")
    )
    return words.select("image_id").join(counts, "image_id", "left").na.fill(0)


def _precision(wrote: Column, said: Column) -> Column:
    return _ratio(_shared(wrote, said), F.size(said))


def _recall(wrote: Column, said: Column) -> Column:
    return _ratio(_shared(wrote, said), F.size(wrote))


def _f1(wrote: Column, said: Column) -> Column:
    return _ratio(F.lit(2) * _shared(wrote, said), F.size(wrote) + F.size(said))


def _shared(wrote: Column, said: Column) -> Column:
    return F.size(F.array_intersect(wrote, said))


def _ratio(part: Column, whole: Column) -> Column:
    return F.when(whole > 0, part / whole).otherwise(F.lit(0.0))


_SCORES = {"f1": _f1, "recall": _recall, "precision": _precision}


def _retrieval(places: list[tuple[int, int]]) -> dict[str, object]:
    """The chance that an image's own words are the first, or among the first ten, where ties are broken at random; and that of no model."""
    count = len(places)
    found: dict[str, object] = {}
    for most in _RETRIEVED:
        chances = [min(max(most - better, 0), equal + 1) / (equal + 1) for better, equal in places]
        found[f"first_{most}"] = _mean(np.array(chances, dtype=np.float64)) | {"by_chance": _share(min(most, count), count)}
    return found


def _mean(values: Numbers) -> dict[str, Any]:
    """The mean and the bounds of the middle 95 % of means of resampled values (null of none); the same for the same values."""
    if not len(values):
        return {"mean": None, "low": None, "high": None}
    luck = np.random.default_rng(len(values))
    means = [values[luck.integers(0, len(values), len(values))].mean() for _ in range(_RESAMPLED)]
    low, high = np.quantile(means, (0.025, 0.975))
    return {"mean": round(float(values.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
