from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.pages.cleaning import folded, letters, many_lines, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        ("  two\n\t words ", "two words"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("<p>One.</p><p>Two <b>bold</b>ly.</p>", "One. Two boldly."),
        ("&lt;p&gt;Escaped markup&lt;/p&gt;", "Escaped markup"),
        ("Brand<sup>®</sup> pan", "Brand® pan"),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("nul\x00 bell\x07 zero\u200bwidth", "nul bell zerowidth"),
        ("lone \ud83d surrogate", "lone surrogate"),
        ("pair \ud83c\udf70 cake", "pair 🍰 cake"),
        ("crÃ¨me brÃ»lÃ©e", "crème brûlée"),
        ("crème brûlée “quoted”", "crème brûlée “quoted”"),
    ],
)
def test_one_line_is_what_a_reader_sees(text: str | None, expected: str) -> None:
    assert one_line(text) == expected


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_becomes_one_line_that_a_file_can_hold(text: str) -> None:
    line = one_line(text)
    assert line.encode("utf-8").decode("utf-8") == line
    assert "\n" not in line
    assert line == line.strip()


def test_main_text_keeps_its_lines_and_is_cut() -> None:
    assert many_lines(" a  b \r\n\n\n c\x00 ", 100) == "a b\nc"
    assert many_lines("abcdef", 3) == "abc"
    assert many_lines(None, 3) == ""


def test_names_are_compared_by_their_letters() -> None:
    assert letters("Kitchen Joy®!") == letters("kitchen-joy")
    assert folded(" Straße\u00a0NORD ") == "strasse nord"
