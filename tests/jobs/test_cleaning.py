from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.cleaning import clean
from tests.features.test_text import PIECES
from tests.udfs.languages import SENTENCES

WHOLE = [text for sentences in SENTENCES.values() for text in sentences]
WRONG = [text.encode().decode(encoding, "replace") for text in WHOLE for encoding in ("latin-1", "sloppy-windows-1252", "iso-8859-2")]
JOINED = st.lists(
    st.one_of(PIECES, st.sampled_from(WHOLE), st.sampled_from(WRONG), st.sampled_from(["Ã©", "Ã", "©", "â€™", "&Atilde;", "&copy;", "Â"])),
    max_size=5,
)


def test_every_source_is_repaired_and_cleaned(spark: SparkSession) -> None:
    rows = [("caf&Atilde;&copy; <b>#homeDecor</b>", ("donâ€™t!!! call 555-123-4567",)), (None, None), (" ", ("a",))]
    frame = spark.createDataFrame(rows, "title string, said struct<text: string>").coalesce(1)
    found = clean(frame, title="title", text="said.text")
    assert found.columns == ["title", "said", "text"]
    assert [(row.title, row.text) for row in found.collect()] == [("café home Decor", "don’t! call ***"), (None, None), (None, "a")]


def test_sentences_of_many_languages_come_out_as_they_went_in(spark: SparkSession) -> None:
    frame = spark.createDataFrame(list(enumerate(WHOLE)), "place int, text string").coalesce(1)
    assert [row.text for row in clean(frame, text="text").orderBy("place").collect()] == WHOLE


@settings(max_examples=5)
@given(texts=st.lists(JOINED.map("".join), min_size=100, max_size=150))
def test_cleaning_twice_is_cleaning_once(spark: SparkSession, texts: list[str]) -> None:
    frame = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
    for row in clean(clean(frame, once="text"), twice="once").collect():
        assert row.twice == row.once, row.text
