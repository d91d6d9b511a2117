"""One spelling for what people typed."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from udfs.queries import LONGEST, normalised, normalised_query, normalised_searches

TYPED = {
    " Red\u3000 SHOE \n": "red shoe",
    "ＳＯＦＡ ﬁne": "sofa fine",
    "Cre\u0300me": "crème",
    "Ōsaka STRASSE ΑΒΓ": "ōsaka strasse αβγ",
    "zero\u200bwidth\u00adand\x00null\ufeff": "zerowidthandnull",
    "left\u202eright": "leftright",
    "line\u2028break\x85next\x1cone": "line break next one",
    "वापस कुर्सी": "वापस कुर्सी",
    "كرسي أحمر": "كرسي أحمر",
    "赤い靴👠": "赤い靴👠",
    "\u200b \u2060\t": "",
    "\u3164": "",
    "": "",
    "tag\U000e0041\U000e0042": "tag",
    "a" * 250: "a" * LONGEST,
    "b" * 199 + " c": "b" * 199,
}


def once(texts: list[str | None]) -> list[str | None]:
    """The normalised texts."""
    found: list[str | None] = normalised(pa.array(texts, pa.string())).to_pylist()
    return found


def test_a_query_has_one_spelling() -> None:
    assert dict(zip(TYPED, once(list(TYPED)), strict=True)) == TYPED
    assert once([None, "A"]) == [None, "a"]


def test_every_character_is_normal_after_one_pass() -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for frame in ("{}", "e{}\u0301", "\u1100{}\u1161"):
        found = once([frame.format(char) for char in every])
        assert once(found) == found


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=260), st.text("aA éÉ\u0301\u200b\t \u3000ﬁ가\u1100\u1161İΣ\u0345", max_size=260)), max_size=30
    )
)
def test_normalising_is_idempotent_short_and_leaves_nothing_unseen(texts: list[str | None]) -> None:
    found = once(texts)
    assert once(found) == found
    assert [text is None for text in found] == [text is None for text in texts]
    for text in found:
        assert text is None or (len(text) <= LONGEST and text == text.strip() and "  " not in text)
        assert not any(unicodedata.category(char) == "Cc" or char in "\u200b\u200d\u00ad\ufeff" for char in text or "")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("abcXYZ éÉü ＡＢ１２ \tßñÑ가靴", max_size=60), max_size=20))
def test_plain_scripts_follow_the_unicode_database(texts: list[str]) -> None:
    plain = [" ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).split()) for text in texts]
    assert once(list(texts)) == plain


def test_spark_gives_the_same_and_survives_bytes_that_are_no_text(spark: SparkSession) -> None:
    rows = [(n, typed) for n, typed in enumerate([*TYPED, None])]
    frame = spark.createDataFrame(rows, "n int, query string")
    broken = spark.sql("select 999 as n, cast(unhex('41FF42') as string) as query")
    found = {row.n: row.q for row in frame.union(broken).select("n", normalised_query("query").alias("q")).collect()}
    assert [found[n] for n, _ in rows] == [*TYPED.values(), None]
    assert found[999] == "a\ufffdb"


def test_the_id_of_an_entity_is_normalised_only_where_it_is_a_query(spark: SparkSession) -> None:
    rows = [("A b", kind, entity) for kind, entity in (("pin", "Pin 1"), ("query", " Red  SHOE"), ("query", None), (None, "X"))]
    found = normalised_searches(spark.createDataFrame(rows, "query string, entity_type string, entity_id string")).collect()
    assert {(row.query, row.entity_type, row.entity_id) for row in found} == {
        ("a b", "pin", "Pin 1"),
        ("a b", "query", "red shoe"),
        ("a b", "query", None),
        ("a b", None, "X"),
    }
