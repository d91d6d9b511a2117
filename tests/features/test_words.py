"""Words of any language."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.words import distinct_words, words


def test_words_keep_their_order_and_repeats(spark: SparkSession) -> None:
    texts = {
        "Red vase, RED-ish 2x": ["red", "vase", "red", "ish", "2x"],
        "": [],
        "!!! ...": [],
        "赤い花瓶 vase": ["赤い", "い花", "花瓶", "vase"],
        "花": ["花"],
        "Straße größer": ["straße", "größer"],
    }
    frame = spark.createDataFrame([(n, text) for n, text in enumerate(texts)], "n int, text string")
    rows = frame.select("n", words(F.col("text")).alias("w"), distinct_words(F.col("text")).alias("d")).orderBy("n").collect()
    assert [r.w for r in rows] == list(texts.values())
    assert [r.d for r in rows] == [list(dict.fromkeys(w)) for w in texts.values()]
    assert spark.sql("select cast(null as string) as text").select(words(F.col("text")).alias("w")).first().w is None
