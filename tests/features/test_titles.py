from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.titles import folded, is_noise
from features.words import distinct_words


def test_titles_fold_split_into_words_and_are_told_from_noise(spark: SparkSession) -> None:
    wanted = {
        "Kitchen  IDEAS!!! 😍": ("kitchen ideas", ["kitchen", "ideas"], False),
        "DIY & do-it-yourself, DIY": ("diy do it yourself diy", ["diy", "do", "it", "yourself"], False),
        "東京旅行": ("東京旅行", ["東京", "京旅", "旅行"], False),
        "Tokyo東京カフェ2": ("tokyo東京カフェ2", ["tokyo", "東京", "京カ", "カフ", "フェ", "2"], False),
        "猫": ("猫", ["猫"], False),
        "한국 요리": ("한국 요리", ["한국", "요리"], False),
        "हिन्दी रसोई": ("हिन्दी रसोई", ["हिन्दी", "रसोई"], False),
        "می\u200cخواهم": ("می\u200cخواهم", ["می\u200cخواهم"], False),
        "1950s dresses": ("1950s dresses", ["1950s", "dresses"], False),
        "❤️❤️": ("", [], True),
        "2026": ("2026", ["2026"], True),
        "x": ("x", ["x"], True),
        "...": ("", [], True),
        "": ("", [], True),
        "My  STUFF ✨": ("my stuff", ["my", "stuff"], True),
        "Things I Love ❤️": ("things i love", ["things", "i", "love"], True),
        "Meine Sachen": ("meine sachen", ["meine", "sachen"], True),
        "お気に入り": ("お気に入り", ["お気", "気に", "に入", "入り"], True),
        "nude kitchen": ("nude kitchen", ["nude", "kitchen"], True),
        "nudes": ("nudes", ["nudes"], True),
        "write to ann@example.org": ("write to ann example org", ["write", "to", "ann", "example", "org"], True),
        "my stuff for the kitchen": ("my stuff for the kitchen", ["my", "stuff", "for", "the", "kitchen"], False),
    }
    title = F.col("title")
    rows = spark.createDataFrame(list(enumerate([*wanted, None])), "place int, title string").coalesce(1)
    found = rows.select(
        "place", folded(title).alias("fold"), distinct_words(title).alias("words"), is_noise(title, folded(title)).alias("noise")
    )
    values = [(row.fold, row.words, row.noise) for row in found.orderBy("place").collect()]
    assert dict(zip(wanted, values[:-1], strict=True)) == wanted
    assert values[-1][2] is True, "no title is noise"
