from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.udfs.languages import SENTENCES
from udfs import text as module
from udfs.text import may_be_garbled, repaired, ungarbled

ENCODINGS = ("latin-1", "sloppy-windows-1252", "sloppy-windows-1250", "sloppy-windows-1254", "sloppy-windows-1257", "iso-8859-2")

GARBLED = {
    "cafÃ©": "café",
    "donâ€™t": "don’t",
    "cafÃƒÂ© chÃƒÂ¨re": "café chère",
    "caf&Atilde;&copy; &amp; bar": "café &amp; bar",
    "caf&amp;#195;&#169;": "café",
    "don&#146;t": "don’t",
    "â\x80\x9cquotedâ\x80\x9d": "“quoted”",
    "naÃ¯ve ðŸ˜\x8d": "naïve 😍",
    "РџСЂРёРІРµС‚": "Привет",
    "Ξ³ΞµΞΉΞ± ΟƒΞΏΟ…": "γεια σου",
    "caf√© ni√±o": "café niño",
    "caf├⌐ ni├▒o": "café niño",
    "æ—¥æœ¬èªž": "日本語",
    "Ã\u200b©t\u200bÃ©": "ét\u200bé",
}


def test_texts_that_were_decoded_in_a_wrong_encoding_are_read_as_they_were_meant(spark: SparkSession) -> None:
    rows = spark.createDataFrame(list(enumerate([*GARBLED, None, ""])), "place int, text string").coalesce(1)
    text = F.col("text")
    found = rows.select("place", repaired(text).alias("read"), may_be_garbled(text).alias("asked")).orderBy("place").collect()
    read = [row.read for row in found]
    assert read[-2:] == [None, ""]
    assert [row.asked for row in found[:-2]] == [True] * len(GARBLED)
    wanted = {**GARBLED, "Ã\u200b©t\u200bÃ©": "été"}
    assert dict(zip(GARBLED, read[:-2], strict=True)) == wanted


def test_what_cleaning_takes_out_hides_nothing_that_could_be_repaired() -> None:
    once = ungarbled("\xa0â\x80\x9eCzeĹ\x9bÄ\x87!â\x80\x9d سادهÃCoördinatie")
    assert once.strip().startswith("„Cześć!”")
    assert ungarbled(" ".join(once.split())) == " ".join(once.split())


def test_clean_texts_of_many_languages_are_not_even_sent_to_python(spark: SparkSession) -> None:
    texts = [text for sentences in SENTENCES.values() for text in sentences]
    assert len(SENTENCES) >= 20
    rows = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
    assert [row.text for row in rows.where(may_be_garbled(F.col("text"))).collect()] == []
    assert [ungarbled(text) for text in texts] == texts


def test_texts_that_were_garbled_on_the_way_are_noticed(spark: SparkSession) -> None:
    """In each encoding of Latin letters, once and twice: whatever ftfy would repair is sent to it."""
    wrong = set()
    for text in (text for sentences in SENTENCES.values() for text in sentences):
        for encoding in ENCODINGS:
            once = text.encode().decode(encoding, "replace")
            wrong |= {once, once.encode().decode(encoding, "replace")}
    changed = sorted(text for text in wrong if ungarbled(text) != text)
    rows = spark.createDataFrame([(text,) for text in changed], "text string")
    missed = [row.text for row in rows.where(~may_be_garbled(F.col("text"))).collect()]
    assert len(changed) > 300
    assert not missed


def test_only_suspicious_texts_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(module, "ungarbled", lambda text: asked.append(text) or "x")
    assert module._answered(pa.array([None, "Ã©", None], pa.string())).to_pylist() == [None, "x", None]
    assert module._answered(pa.array([None, None], pa.string())).to_pylist() == [None, None]
    assert asked == ["Ã©"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["Ã", "Ã©", "â€", "日Ã©", "ÃƒÂ", "&Atilde;&copy;", "Ã\u200b©", "&amp;", "\x80", "вЂ"])
def test_long_texts_are_repaired_in_proportionate_time(part: str) -> None:
    assert len(ungarbled(part * (100_000 // len(part)))) <= 100_000


def test_bytes_that_are_no_text_do_not_end_the_job(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(b"caf\xc3\x83\xc2\xa9 \xc3",), (b"\xff\xfe",)], "raw binary").coalesce(1)
    found = [row.read for row in rows.select(F.make_valid_utf8(repaired(F.col("raw").cast("string"))).alias("read")).collect()]
    assert found == ["café \ufffd", "\ufffd\ufffd"]
