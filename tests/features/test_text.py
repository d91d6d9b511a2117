from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from features.text import cleaned, has_pii, labelled_lines, shortened, squeezed, without_pii

Applied = Callable[[Sequence[str | None], Callable[[Column], Column]], list[Any]]

FAMILY, FLAG, FIRE = "👩\u200d👩\u200d👧\u200d👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "❤️\u200d🔥"

# What the rules look at, in small pieces, so that generated texts put addresses, entities, tags and joiners together and apart.
PIECES = st.sampled_from(
    [
        *(
            "&",
            "amp;",
            "lt;",
            "gt;",
            "#",
            "#60;",
            "#x3c;",
            "#8203;",
            "x26;",
            "#112;",
            ";",
            "<",
            ">",
            "/",
            "b",
            "am",
            "nbsp;",
            "eacute;",
            "!",
        ),
        *("a@", "b.co", ".", "@", "-", "+", "(", ")", "1", "23", "4111", "0", "555", "1234567", " ", "  ", "\n", "\u00a0", "tel", ": "),
        *(
            "\u200b",
            "\u200c",
            "\u200d",
            "\x00",
            "\u00ad",
            "\ufeff",
            "\U000e0061",
            "क",
            "ि",
            "م",
            "日本",
            "👩",
            "️",
            "🏽",
            FLAG,
            "é",
            "e\u0301",
            "***",
        ),
        *("#", "#", "aA", "AAa", "_", "http://", "www.", "..", "!?", "--", ",", "(at)", '"', "＃", "isbn "),
    ]
)
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=14).map("".join))


@pytest.fixture(scope="module")
def applied(spark: SparkSession) -> Applied:
    """Values of a column expression over texts, in their order, in one action."""

    def values(texts: Sequence[str | None], step: Callable[[Column], Column]) -> list[Any]:
        rows = spark.createDataFrame(list(enumerate(texts)), "place int, text string").coalesce(1)
        return [row.value for row in rows.select("place", step(F.col("text")).alias("value")).orderBy("place").collect()]

    return values


def check(applied: Applied, step: Callable[[Column], Column], wanted: Mapping[str, object]) -> None:
    """Every text gives what is wanted of it."""
    assert dict(zip(wanted, applied(list(wanted), step), strict=True)) == wanted


def test_personal_data_is_masked_and_other_numbers_stay(applied: Applied) -> None:
    masked = {
        "mail foo.bar+x@mail.example.co.uk now": "mail *** now",
        "写信给foo@bar.com谢谢": "写信给***谢谢",
        "почта: имя@пример.рф": "почта: ***",
        "user＠example.com": "***",
        "call (555) 123-4567 or +44 20 7946 0958.": "call *** or ***.",
        "555-123-4567": "***",
        "tel: 555-1234": "tel: ***",
        "电话 8765-4321": "电话 ***",
        "03-1234-5678": "***",
        "0171 2345678": "***",
        "01 23 45 67 89": "***",
        "0049 171 2345678": "***",
        "+919876543210": "***",
        "٠١٢٣٤٥٦٧٨٩٠": "***",
        "4111 1111 1111 1111": "***",
        "4111-1111-1111-1111 exp 12/29": "*** exp 12/29",
        "378282246310005": "***",
        "3782 822463 10005": "***",
        "6011000990139424": "***",
        "5105105105105100!": "***!",
        "tel: 1234567#1234567": "tel: ***#1234567",
        "tel>1234567+ 123456723": "tel>******",
        "ann (at) site.com, bob [at] site [dot] co": "***, ***",
        "EAN 4006381333931, 4006381333931": "EAN 4006381333931, ***",
        "tel " + "1 " * 60: "tel ***" + " 1" * 19 + " ",
        "a" * 50_000 + "@b.co": "***",
    }
    kept = [
        "2023-2024 and 2026-01-02 10:30",
        "01.02.2026 10:30",
        "1990 2000 2010 2020",
        "1920x1080",
        "100 200 300 400",
        "$1,299.00",
        "24 x 36 inch",
        "iphone 15 pro max 256",
        "@handle and a@b",
        "3.14159265",
        "route 66",
        "ratio 16:9, 1:1000000",
        "3/4 cup, 1 1/2 tsp",
        "ISBN: 9783161484100, UPC 036000291452",
        "9783161484100",
        "meet (at) noon",
    ]
    wanted = masked | {text: text for text in kept}
    check(applied, without_pii, wanted)
    check(applied, has_pii, {text: text in masked for text in wanted})
    assert not any(applied(list(masked.values()), has_pii)), "a mask uncovered what it stood beside"
    assert applied([None], has_pii) == applied([None], without_pii) == [None]


def test_addresses_hash_signs_and_repeated_marks_go_and_what_looks_like_them_stays(applied: Applied) -> None:
    wanted = {
        "see http://x.co/a?b=1#c. And (www.a.de/x)!": "see . And ( )!",
        "看http://example.com/abc这个": "看 这个",
        "HTTPS://A.B/(c)": ")",
        "#homeDecor #DIY #DIYIdeas, #boho_chic": "home Decor DIY DIY Ideas, boho chic",
        "(#love#HomeSweetHome) #2024goals": "(love Home Sweet Home) 2024goals",
        "#iPhone #McLaren #ديكور_المنزل #हिन्दी ＃インテリア": "iPhone McLaren ديكور المنزل हिन्दी インテリア",
        "##a #b.Cde": "a b.Cde",
        "So cute!!!!! Really???? ?!?!?! wow....": "So cute! Really? ?! wow...",
        "¡¡¡Hola!!! كيف؟؟؟ ！！ ,,, ------ ~~~~~": "¡Hola! كيف؟ ！ , --- ~~~",
        "#tel_123456": "tel ***",
    }
    kept = [
        *("C# F# C++ #1 #ff0000 a#b x#Y", "node.js 3.5 a.b example.com e.g. file.tar.gz", "wait... ok -- so?! no!? 。。。 〜〜 ……"),
        *("★★★★★ 5/5", "क्या।। है॥", "R&D; AT&T", "https://", "www. is short", "*** sale ***"),
    ]
    check(applied, cleaned, wanted | {text: text for text in kept})


def test_bytes_that_are_no_text_do_not_end_the_job(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(b"caf\xc3 #a",), (b"\xff\xfe\xed\xa0\x80",), (b"a\x00b",)], "raw binary").coalesce(1)
    found = [row.clean for row in rows.select(cleaned(F.col("raw").cast("string")).alias("clean")).collect()]
    assert found[0] == "caf\ufffd a"
    assert set(found[1]) == {"\ufffd"}
    assert found[2] == "ab"


def test_markup_entities_and_invisible_characters_are_removed(applied: Applied) -> None:
    wanted = {
        "a &amp;amp;lt;b&amp;gt; c": "a c",
        "caf&eacute; &#233;&#xE9; &hellip;": "café éé …",
        "&#128525;&#x1F60D;": "😍😍",
        "AT&T R&D; &unknown; &": "AT&T R&D; &unknown; &",
        "&#0;&#xD800;&#1114112;x": "x",
        "<p>One</p><br/>two <a href='x'>three</a><!-- four -->": "One two three",
        "I <3 you, 1 < 2 > 0": "I <3 you, 1 < 2 > 0",
        "<b <i> x>": "b x>",
        "f\u200dr\u200cee\u200bze\u00ad": "freeze",
        "a\x00b\x1b\u202ec\ufeff": "abc",
        " \t one \u00a0\u3000\r\n two\u2028three ": "one two three",
        "hidden\U000e0041\U000e0042": "hidden",
        "mail&#64;example.com": "***",
        "m\u200bail@exam\u200bple.com": "***",
    }
    check(applied, cleaned, wanted)
    assert applied([None, "", " ", "&nbsp;", "<br>", "\u200b"], cleaned) == [None] * 6


def test_scripts_and_emoji_sequences_come_through_unharmed(applied: Applied) -> None:
    kept = [
        "東京の美味しいラーメン・レシピ「簡単」",
        "한국어 제목 — 예쁜 집",
        "وصفات سهلة للعشاء؟",
        "می\u200cخواهم",
        "क्\u200dष हिन्दी व्यंजन ज\u094d\u200cञ",
        "සිංහල ශ්\u200dරී",
        "สูตรอาหารไทย",
        "ĳsje naïve e\u0301te\u0301 Ελληνικά",
        f"{FAMILY} {FLAG} {FIRE} 👍🏽 1️⃣ 🇩🇪🇫🇷 🏳️\u200d🌈 🧑🏽\u200d🚀",
    ]
    check(applied, cleaned, {text: text for text in kept})


@settings(max_examples=8)
@given(texts=st.lists(TEXTS, min_size=60, max_size=90))
def test_cleaning_twice_is_cleaning_once_and_leaves_no_personal_data(spark: SparkSession, texts: list[str]) -> None:
    text, clean, masked, line = (F.col(name) for name in ("text", "clean", "masked", "line"))
    rows = spark.createDataFrame([(one,) for one in texts], "text string").coalesce(1)
    once = rows.select(text, cleaned(text).alias("clean"), without_pii(text).alias("masked"), squeezed(text).alias("line"))
    twice = once.select("*", cleaned(clean).alias("clean2"), without_pii(masked).alias("masked2"), squeezed(line).alias("line2"))
    for row in twice.withColumn("leaks", has_pii(clean)).collect():
        assert (row.clean2, row.masked2, row.line2) == (row.clean, row.masked, row.line)
        assert not row.leaks, row
        assert row.line is None or (row.line == row.line.strip() and "  " not in row.line and "\n" not in row.line)


@pytest.mark.timeout(120)
def test_long_texts_of_one_repeated_part_are_cleaned_in_proportionate_time(applied: Applied) -> None:
    parts = ["a", "1-", "<", "<script", "&", "a@", "a@b.", "0 ", "tel ", "&amp;", "क\u200d", "9" * 9 + " ", "&#", "+1 "]
    parts += ["b.", "#", "#a", "#a_", "www.", "http://", ".", "!?", "a (at) b.", "isbn ", "-", "aA", "!"]
    starts = ["x@" + "b." * 50_000, "tel " + "1 " * 50_000, "&" + "amp;" * 25_000, "http://a" + ".a" * 50_000, "#" + "aA" * 50_000]
    longest = applied([*starts, *(part * (100_000 // len(part)) for part in parts)], lambda text: F.char_length(cleaned(text)))
    assert all(length is None or length <= 100_008 for length in longest)


def test_lines_are_labelled_and_absent_fields_leave_none(spark: SparkSession) -> None:
    rows = [("One\ntitle: two", " ", None), (None, None, None), ("a", "b", "c")]
    lines = labelled_lines(title=F.col("x"), page=F.col("y"), **{"two words": F.col("z")})
    found = [
        row.lines for row in spark.createDataFrame(rows, "x string, y string, z string").coalesce(1).select(lines.alias("lines")).collect()
    ]
    assert found == ["title: One title: two", "", "title: a\npage: b\ntwo words: c"]


def test_texts_are_cut_between_words_and_never_inside_a_character(spark: SparkSession) -> None:
    wanted = {
        ("short", 10): "short",
        ("exactly ten", 11): "exactly ten",
        ("one two three", 9): "one two",
        ("one two three", 7): "one two",
        ("one two three", 8): "one two",
        ("東京の美味しいラーメン", 5): "東京の美味",
        ("日本 " + "語" * 60, 50): "日本 " + "語" * 47,
        (f"a{FAMILY}b", 4): "a",
        ("e\u0301e\u0301e\u0301", 3): "e\u0301",
        ("🇩🇪🇫🇷", 3): "🇩🇪",
        ("word", 0): "",
        ("word", -3): "",
        ("😍😍😍", 2): "😍😍",
    }
    rows = [(place, *key) for place, key in enumerate(wanted)]
    cut = shortened(F.col("text"), F.col("room")).alias("cut")
    found = spark.createDataFrame(rows, "place int, text string, room int").select("place", cut).orderBy("place").collect()
    assert {key: row.cut for key, row in zip(wanted, found, strict=True)} == wanted
