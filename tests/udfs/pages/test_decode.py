from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.pages.decode import decoded
from udfs.pages.guard import RefusedPage

FRENCH = "Crème brûlée à la vanille, préparée très lentement – 5 € l’unité"
GERMAN = "Käsespätzle mit Röstzwiebeln für größere Gäste"
POLISH = "Żurek z białą kiełbasą, śmietaną i świeżym chrzanem"
RUSSIAN = "Курица с грибами и картофелем, запечённая в духовке"
JAPANESE = "ふわふわのパンケーキを作りましょう。卵と牛乳を混ぜます"
CHINESE = "这是一个简单的红烧肉做法，需要准备五花肉和酱油"
TAIWANESE = "這是簡單的紅燒肉做法，需要準備五花肉和醬油"
KOREAN = "맛있는 김치찌개를 만드는 방법을 소개합니다"


def page(text: str, head: str = "", attributes: str = "") -> str:
    """A small page."""
    return f"<html{attributes}><head>{head}<title>{text}</title></head><body><p>{text}</p></body></html>"


def meta(name: str) -> str:
    """A declaration of the encoding."""
    return f'<meta charset="{name}">'


@pytest.mark.parametrize(
    ("body", "expected", "encoding"),
    [
        (page(FRENCH).encode(), FRENCH, "utf-8"),
        (page(FRENCH, meta("utf-8")).encode("utf-8-sig"), FRENCH, "utf-8"),
        (codecs.BOM_UTF16_LE + page(RUSSIAN).encode("utf-16-le"), RUSSIAN, "utf-16-le"),
        (codecs.BOM_UTF16_BE + page(JAPANESE, meta("utf-8")).encode("utf-16-be"), JAPANESE, "utf-16-be"),
        (page(FRENCH).encode("utf-16-le"), FRENCH, "utf-16-le"),
        (page(FRENCH).encode("cp1252"), FRENCH, "windows-1252"),
        (page(GERMAN).encode("cp1252"), GERMAN, "windows-1252"),
        (page(FRENCH, meta("iso-8859-1")).encode("cp1252"), FRENCH, "windows-1252"),
        (page(POLISH, attributes=' lang="pl-PL"').encode("cp1250"), POLISH, "windows-1250"),
        (page(POLISH, meta("ISO-8859-2")).encode("iso-8859-2"), POLISH, "iso-8859-2"),
        (page(RUSSIAN).encode("cp1251"), RUSSIAN, "windows-1251"),
        (page(RUSSIAN).encode("koi8-r"), RUSSIAN, "koi8-r"),
        (page(JAPANESE, meta("Shift_JIS")).encode("cp932"), JAPANESE, "shift_jis"),
        (page(JAPANESE).encode("cp932"), JAPANESE, "shift_jis"),
        (page(JAPANESE).encode("euc_jp"), JAPANESE, "euc-jp"),
        (page(CHINESE, '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">').encode("gb18030"), CHINESE, "gb18030"),
        (page(CHINESE).encode("gb18030"), CHINESE, "gb18030"),
        (page(TAIWANESE).encode("big5"), TAIWANESE, "big5"),
        (page(KOREAN).encode("cp949"), KOREAN, "euc-kr"),
        (b'<?xml version="1.0" encoding="windows-1250"?>' + page(POLISH).encode("cp1250"), POLISH, "windows-1250"),
        # Declarations that the bytes contradict, or that mean nothing.
        (page(FRENCH, meta("iso-8859-1")).encode(), FRENCH, "utf-8"),
        (page(FRENCH, meta("utf-8")).encode("cp1252"), FRENCH, "windows-1252"),
        (page(FRENCH, meta("utf-16")).encode(), FRENCH, "utf-8"),
        (page(FRENCH, meta("rot13")).encode(), FRENCH, "utf-8"),
        (page(FRENCH, meta("no-such-encoding")).encode("cp1252"), FRENCH, "windows-1252"),
        (b"", "", "utf-8"),
    ],
)
def test_a_page_is_read_in_the_encoding_it_is_in(body: bytes, expected: str, encoding: str) -> None:
    text, name = decoded(body)
    assert name == encoding
    assert text.count(expected) >= (2 if expected else 0)
    assert not text.startswith("\ufeff")


def test_a_page_that_was_cut_inside_a_character_stays_utf8() -> None:
    text, encoding = decoded(page(JAPANESE).encode()[: -len("</p></body></html>") - 1])
    assert encoding == "utf-8"
    assert JAPANESE[:-2] in text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x89PNG\r\n", "an image"),
        (b"PK\x03\x04abc", "an archive"),
        (b"\x28\xb5\x2f\xfdabc", "packed by zstd"),
        (bytes(range(32)) * 40, "binary"),
    ],
)
def test_what_is_not_text_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedPage, match=reason):
        decoded(body)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], min_codepoint=32)))
def test_any_text_survives_utf8(text: str) -> None:
    assert page(text) in (decoded(page(text, "").encode())[0], decoded(page(text).encode("utf-8-sig"))[0])


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        text, _ = decoded(body)
    except RefusedPage:
        return
    assert isinstance(text, str)
