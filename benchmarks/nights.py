"""What a night costs: by the share of new images or changed pins (7), by the bytes of changed rows (9), by the size of the lake (10)."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from benchmarks.lakes import Lake, started, words
from benchmarks.timing import SCALE, Ratio, exact, keep, seconds
from jobs.days import Days, shifted
from jobs.model_plan import Models
from jobs.sample import phrases
from jobs.sample.vocabulary import COLORS, LANGUAGES, STYLES
from models.bags import Vocabulary
from models.encoder import Encoder
from models.omnisearchsage import OmniSearchSage
from models.specs import DEFAULTS
from models.store import ModelStore
from schemas import embeddings, raw, signals, state
from schemas.embeddings import GRAMS, WIDTH
from udfs.sample_media import drawn_image

IMAGES = int(40_000 * SCALE)
SHARES = (0.0, 0.001, 0.01, 0.05, 0.2, 1.0)
EMBEDDED = int(200_000 * SCALE)
CHANGED = (0.0, 0.05, 1.0)
ROUNDS = 3
PINS = int(20_000 * SCALE)
SIZES = (1, 4, 16)
CHANGES = 1_000
NIGHTS = 31
FIRST = "2026-01-01"
LOG = {"deleted": False, "changed": True}


def measure() -> list[Ratio]:
    """The ratios."""
    with tempfile.TemporaryDirectory() as folder:
        settings, spark = started(folder)
        found = _share_of_new_images(Lake(settings, spark, "images", models=True))
        found += _share_of_changed_pins(Lake(settings, spark, "vectors", models=True), Path(folder) / "embedder")
        found.append(_bytes_written(Lake(settings, spark, "pins")))
        found += _growth([Lake(settings, spark, f"texts{size}") for size in SIZES])
        spark.stop()
    keep("nights", found, {"images": IMAGES, "embedded": EMBEDDED, "pins": PINS, "sizes": SIZES, "changed_pins": CHANGES, "nights": NIGHTS})
    return found


def _drawings(lake: Lake, day: str, first: int, count: int) -> None:
    """raw.images of a day: so many drawings that were never there before."""
    parts = ((phrases.object_name, LANGUAGES[0].objects), (phrases.color_name, COLORS), (phrases.style_name, STYLES))
    subject = [name(F.pmod(F.xxhash64("id", F.lit(n)), F.lit(len(all_names))).cast("int")) for n, (name, all_names) in enumerate(parts)]
    rows = lake.spark.range(first, first + count, 1, 8).select(
        F.lit(day).alias("ds"),
        F.concat(F.lit("image"), "id").alias("image_id"),
        drawn_image(*subject, F.xxhash64("id"), F.lit(False)).alias("image"),
    )
    lake.give(raw.IMAGES, rows, {day: count})


def _share_of_new_images(lake: Lake) -> list[Ratio]:
    """7: a night's detection, captions and tables, by the share of new images, to the same with as many new images as there are."""
    jobs = ["images", "captions", "image_captions"]
    _drawings(lake, FIRST, 0, IMAGES)
    lake.run(jobs, Days(FIRST, FIRST))
    day, drawn = FIRST, IMAGES
    times: dict[float, list[float]] = {share: [] for share in SHARES}
    for _ in range(ROUNDS):
        for share in SHARES:
            day, count = shifted(day, 1), round(IMAGES * share)
            _drawings(lake, day, drawn, count)
            drawn += count
            times[share].append(seconds(lambda day=day: lake.run(jobs, Days(day, day))))  # type: ignore[misc]
    return _to_all("7_new_images", times)


def _share_of_changed_pins(lake: Lake, folder: Path) -> list[Ratio]:
    """7: a night's vectors of pins by a joint embedding, by the share of pins of which something changed, to the same of all of them."""
    jobs, day = ["embedding_answers", "pin_embeddings"], FIRST
    lake.nothing(raw.PIN_UPDATES, [FIRST])
    _embedder(lake, folder)
    times: dict[float, list[float]] = {share: [] for share in CHANGED}
    _read_of_pins(lake, day, EMBEDDED, 0)
    lake.run(jobs, Days(day, day))
    for turn in range(1, ROUNDS + 1):
        for share in CHANGED:
            day = shifted(day, 1)
            _read_of_pins(lake, day, round(EMBEDDED * share), turn)
            times[share].append(seconds(lambda day=day: lake.run(jobs, Days(day, day))))  # type: ignore[misc]
    return _to_all("7_changed_pins", times)


def _embedder(lake: Lake, folder: Path) -> None:
    """A joint embedding that has learnt nothing, and counts from the first day on."""
    encoder = ModelStore(lake.settings.models_cache).resolved(DEFAULTS["encoder"]).folder
    vocabulary = Vocabulary({gram: [f"word{n}" for n in range(10_000)] if gram == "unigram" else ["wo", "or"] for gram in GRAMS})
    OmniSearchSage.fresh(Encoder.loaded(encoder), vocabulary, seed=1).save(folder, encoder)
    models = Models(lake.store, lake.settings)
    models.promote("embedder", models.keep(folder), FIRST, {})


def _read_of_pins(lake: Lake, day: str, count: int, turn: int) -> None:
    """features.entity_inputs of a day: so many pins, of each what its author said, boards of a turn and an embedding that exists."""
    key = F.xxhash64("id", F.lit(0))
    said = {"canonical_desc": words(key, 25, "said"), "image_caption": words(key, 4, "image")}
    said["board_title"] = words(F.xxhash64("id", F.lit(turn)), 3, "boards")  # vectors that move far are not published
    rows = lake.spark.range(0, count, 1, 8).select(
        F.lit(day).alias("ds"),
        F.lit("pin").alias("entity_type"),
        F.concat(F.lit("pin"), "id").alias("entity_id"),
        *(value.alias(name) for name, value in said.items()),
        F.unhex(F.repeat(F.lit("003c"), WIDTH)).alias("graphs"),  # ones
        F.sha2(F.concat_ws(" ", *said.values()), 256).alias("input_hash"),
        *(F.lit(value).alias(name) for name, value in LOG.items()),
    )
    lake.give(embeddings.ENTITY_INPUTS, rows, {day: count})


def _to_all(name: str, times: dict[float, list[float]]) -> list[Ratio]:
    """The times by share to those of all."""
    whole = times[1.0]
    limits = {0.05: "f; pass .10, aim .06"}
    return [
        Ratio.of(
            f"{name}_{share:g}/all",
            [a / b for a, b in zip(times[share], whole, strict=True)],
            limits.get(share, "f"),
            *_medians(times[share], whole),
        )
        for share in times
        if share != 1.0
    ]


def _medians(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    return statistics.median(a), statistics.median(b)


def _pin_columns(turn: int) -> dict[str, Column]:
    """What the author of pin `id` wrote in a turn."""
    key = F.xxhash64("id", F.lit(turn))
    return {
        "pin_id": F.concat(F.lit("pin"), "id"),
        "image_id": F.concat(F.lit("image"), "id"),
        "title": words(key, 5, "title"),
        "description": words(key, 20, "description"),
        "link_url": F.concat(F.lit("https://shop.example/"), "id"),
        "language": F.lit("en"),
        "country": F.lit("US"),
        "deleted": F.lit(False),
    }


def _given(rows: DataFrame, day: str, columns: dict[str, Column]) -> DataFrame:
    return rows.select(F.lit(day).alias("ds"), *(value.alias(name) for name, value in columns.items()))


def _bytes_written(lake: Lake) -> Ratio:
    """9: bytes that a month of nights, a twentieth of the pins changed in each, adds to state.pins, to those of the changed rows alone."""
    count, changed = PINS * 4, PINS * 4 // 20
    lake.give(raw.PIN_UPDATES, _given(lake.spark.range(count), FIRST, _pin_columns(0)), {FIRST: count})
    lake.run(["pins"], Days(FIRST, FIRST))
    since = lake.store.ledger(state.PINS).version
    days = [shifted(FIRST, n) for n in range(1, NIGHTS + 1)]
    for n, day in enumerate(days):
        rows = lake.spark.range(0, changed, 1, 1).select((F.col("id") * 20 + n % 20).alias("id"))
        lake.give(raw.PIN_UPDATES, _given(rows, day, _pin_columns(n + 1)), {day: changed})
        lake.run(["pins"], Days(day, day))
    alone = f"{lake.store.warehouse}/alone"
    changes = lake.store.frame(state.PINS).where(F.col("changed") & (F.col("ds") > FIRST))
    changes.coalesce(1).write.parquet(alone)
    size = sum(file.stat().st_size for file in Path(alone).glob("*.parquet"))
    return exact("9_bytes_written/bytes_of_changes", lake.written_bytes(state.PINS, since) / size, "1; pass 4, aim 2")


def _growth(lakes: Sequence[Lake]) -> list[Ratio]:
    """10: how the time of texts.pins grows with the pins: over all of them, and for a night with a fixed number of changes."""
    night = shifted(FIRST, 1)
    whole: list[list[float]] = []
    nights: list[list[float]] = []
    for lake, size in zip(lakes, SIZES, strict=True):
        _sources(lake, PINS * size, night)
    lakes[0].run(["pin_texts"], Days(FIRST, FIRST))  # compiles what all of them need
    for _ in range(ROUNDS):
        whole.append([seconds(lambda lake=lake: lake.run(["pin_texts"], Days(FIRST, FIRST))) for lake in lakes])  # type: ignore[misc]
    for n in range(ROUNDS + 1):
        times = [seconds(lambda lake=lake: lake.run(["pin_texts"], Days(night, night))) for lake in lakes]  # type: ignore[misc]
        nights += [times] if n else []
    found = [("10a_growth_of_all", whole, "1; pass 1.05, aim 1.01"), ("10b_growth_of_a_night", nights, "0; pass .25, aim .10")]
    return [Ratio.of(name, [_exponent(times) for times in rounds], limit, *_ends(rounds)) for name, rounds, limit in found]


def _exponent(times: Sequence[float]) -> float:
    """The steeper of the two steps of a line through the logarithms of sizes and times: small sizes hide behind fixed costs."""
    steps = [math.log(times[n + 1] / times[n]) / math.log(SIZES[n + 1] / SIZES[n]) for n in range(len(SIZES) - 1)]
    return max(steps)


def _ends(rounds: Sequence[Sequence[float]]) -> tuple[float, float]:
    return statistics.median(times[-1] for times in rounds), statistics.median(times[0] for times in rounds)


def _sources(lake: Lake, pins: int, night: str) -> None:
    """What texts.pins is made from: every pin with five sources on the first day, and a thousand pins written anew in the night."""
    all_pins = lake.spark.range(0, pins, 1, 8)
    some = lake.spark.range(0, CHANGES, 1, 1).select((F.col("id") * (pins // CHANGES)).alias("id"))
    log = {name: F.lit(value) for name, value in LOG.items()}
    first, then = _pin_columns(0) | log, _pin_columns(1) | log
    lake.give(state.PINS, _given(all_pins, FIRST, first), {FIRST: pins})
    lake.give(state.PINS, _given(some, night, then), {night: CHANGES})
    key = F.xxhash64("id")
    titled = F.transform(F.array(*(words(key, 2, f"board{n}") for n in range(5))), _titled)
    asked = F.transform(F.array(*(words(key, 3, f"query{n}") for n in range(10))), _asked)
    page = {"title": words(key, 6, "page"), "description": words(key, 15, "lead"), "main_text": F.lit(""), "status": F.lit("ok")}
    pin, image, url = (_pin_columns(0)[name] for name in ("pin_id", "image_id", "link_url"))
    sources = {
        signals.LINK_TEXTS: {"url": url, **page},
        signals.IMAGE_CAPTIONS: {"image_id": image, "caption": words(key, 6, "caption")},
        signals.BOARD_TITLES: {"pin_id": pin, "titles": titled},
        signals.ENGAGED_QUERIES: {"entity_type": F.lit("pin"), "entity_id": pin, "queries": asked},
    }
    for table in (raw.PIN_UPDATES, raw.LINK_PAGES, raw.IMAGES, raw.BOARD_SAVES, raw.SEARCH_EVENTS, signals.LINK_CLICKS):
        lake.nothing(table, [FIRST, night])
    for table, columns in sources.items():
        lake.give(table, _given(all_pins, FIRST, columns | log), {FIRST: pins})
        lake.nothing(table, [night])


def _titled(title: Column) -> Column:
    return F.struct(title.alias("title"), F.lit(1).cast("bigint").alias("score"), F.lit(1).cast("bigint").alias("boards"))


def _asked(query: Column) -> Column:
    return F.struct(query.alias("query"), F.lit(1).cast("bigint").alias("score"))
