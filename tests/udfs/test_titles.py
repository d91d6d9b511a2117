from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from udfs import titles
from udfs.titles import key, near_key

SAME = {
    "en": [
        ["kitchen idea", "ideas kitchen", "kitchen ideas", "ideas for the kitchen", "my kitchen ideas"],
        ["women s dresses", "woman dress"],
    ],
    "de": [["küche ideen", "ideen für die küche", "idee küche"], ["haus", "häuser"]],
    "es": [["ideas para la cocina", "cocinas idea"], ["decoración", "decoracion"]],
    "pt-BR": [["decoração da casa", "casas decoracao"]],
    "fr": [["recettes d été", "recette été"], ["idées", "idée"]],
    "ru": [["идеи для кухни", "кухня идея"]],
    "hi": [["रसोई के विचार", "विचारों रसोई"]],
    "no": [["ideer til kjøkken", "kjøkken ideer"]],
    "ko": [["한국 요리", "요리 한국"]],
    "und": [["b a", "a b"]],
}
APART = {
    "en": ["home decor", "decor", "room decor", "mug", "living room", "for the", "paint"],
    "de": ["haus", "hausbau", "küche"],
    "vi": ["ma", "má", "mà"],
    "ja": ["東京 旅行", "旅行 東京", "東京旅行", "猫"],
    "th": ["สูตรอาหาร", "อาหาร"],
    "und": ["idea", "ideas"],
}


def test_titles_that_say_the_same_have_one_key_and_others_do_not() -> None:
    for language, groups in SAME.items():
        for group in groups:
            assert len({key(language, title) for title in group}) == 1, [key(language, title) for title in group]
    for language, apart in APART.items():
        assert len({key(language, title) for title in apart}) == len(apart), [key(language, title) for title in apart]


def test_odd_titles_have_a_key() -> None:
    assert key("en", "") == ""
    assert key("en", "for the") == "for the"
    assert key("xx-Klingon", "b a") == "a b"
    assert key("", "b") == "b"
    assert key("en", "x" * 100_000) == "x" * 100_000
    assert key("de", "\ufffd ß 1a 2026") == "1a 2026 ß \ufffd"


def test_a_key_is_made_once_for_each_title_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(titles, "key", lambda *title: asked.append(title) or "k")
    found = titles._keys(pa.array(["en", "en", None, "de", "en"]), pa.array(["a", "a", "a", "a", None]))
    assert found.to_pylist() == ["k", "k", None, "k", None]
    assert asked == [("en", "a"), ("de", "a")]


def test_keys_are_a_column(spark: SparkSession) -> None:
    rows = [("en", "ideas kitchen"), (None, "a"), ("en", None)]
    found = (
        spark.createDataFrame(rows, "language string, fold string")
        .coalesce(1)
        .select(near_key(F.col("language"), F.col("fold")).alias("k"))
    )
    assert [row.k for row in found.collect()] == ["idea kitchen", None, None]
