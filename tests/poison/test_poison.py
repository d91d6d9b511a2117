from __future__ import annotations

import re

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from features.text import cleaned, shortened
from jobs.images import images
from jobs.pins import link_texts
from tests.poison.corpus import IMAGES, LONG_TEXT, PAGES, TEXTS, Kind, shares

DAY = "2026-01-05"
ROWS, SEED = 300, 7
COUNTS = shares(ROWS)


def bombs_that_passed(kind: Kind, found: dict[str, Row]) -> dict[str, str]:
    """What became of the bombs that were not refused for their own reason, or for their time on a busy machine."""
    said = {name: str(found[name].refused) for name in kind.bombs()}
    return {name: said[name] for name, (_, why) in kind.bombs().items() if not re.search(f"{why}|took longer than", said[name])}


def test_every_poisoned_image_is_a_row_or_a_refusal_and_every_bomb_is_refused(spark: SparkSession) -> None:
    given = spark.createDataFrame(list(IMAGES.rows(COUNTS[IMAGES], SEED)), "name binary, image binary")
    named = given.select(
        F.lit(DAY).alias("ds"), F.col("name").cast("string").alias("image_id"), "image", F.lit(None).cast("string").alias("uri")
    )
    rows = images.build(named, images.ImageParams(seconds_per_image=2.0)).collect()
    assert len(rows) == COUNTS[IMAGES]
    assert bombs_that_passed(IMAGES, {row.image_id: row for row in rows}) == {}
    fine = [row for row in rows if row.refused is None]
    assert 10 < len(fine) < len(rows) / 2, "some are images still, most are not"
    assert all(row.format and row.width * row.height <= 25_000_000 for row in fine)


def test_every_poisoned_page_is_a_row_or_a_refusal_and_every_bomb_is_refused(spark: SparkSession) -> None:
    given = spark.createDataFrame(list(PAGES.rows(COUNTS[PAGES], SEED)), "name binary, html binary")
    nothing = {"fetched_at": F.lit(None).cast("timestamp"), "written_by": F.lit(None).cast("string")}
    fetched = given.select(F.lit(DAY).alias("ds"), F.col("name").cast("string").alias("url"), "html", F.lit(200).alias("http_status"))
    rows = link_texts.build(fetched.withColumns(nothing), link_texts.LinkTextParams(seconds_per_page=2.0)).collect()
    assert len(rows) == COUNTS[PAGES]
    assert bombs_that_passed(PAGES, {row.url: row for row in rows}) == {}
    assert sum(row.refused is None for row in rows) > COUNTS[PAGES] / 4, "most damaged pages still say something"


def test_there_are_thirty_two_bombs() -> None:
    assert len(IMAGES.bombs()) + len(PAGES.bombs()) == 32


def test_every_poisoned_text_comes_out_as_one_without_invisible_characters(spark: SparkSession) -> None:
    damaged = [*TEXTS.rows(COUNTS[TEXTS], SEED), (b"long", LONG_TEXT())]
    given = spark.createDataFrame(damaged, "name binary, text binary").select(F.col("text").cast("string").alias("text"))
    rows = given.select(F.transform(F.array("text"), lambda text: shortened(cleaned(text), F.lit(1600)))[0].alias("text")).collect()
    assert len(rows) == len(damaged)
    assert max(len(row.text or "") for row in rows) <= 1600
    assert [row.text for row in rows if re.search("[\x00-\x08\x0e-\x1b\u202e\u200b]", row.text or "")] == []
    assert sum(bool(row.text) for row in rows) > len(rows) / 2
