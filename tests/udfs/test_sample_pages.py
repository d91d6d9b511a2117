"""Pages of the sample lake: the truth can be read out of them, and the mess is there."""

from __future__ import annotations

from collections import Counter

import pytest

from udfs.sample_pages import FURNITURE, garbage, page

WORDS = {
    "en": "Red vase",
    "de": "Kleid grün",
    "ja": "赤い花瓶",
    "zh": "红色茶壶",
    "ru": "Ваза",
    "hi": "लाल मग",
    "fr": "Théière",
    "es": "Sartén",
    "pt": "Pão",
}


@pytest.mark.parametrize("language", sorted(FURNITURE))
def test_a_page_holds_its_title_in_one_of_the_encodings_of_its_language(language: str) -> None:
    title = WORDS[language]
    for draw in range(60):
        data = page(title, f"{title}.", "one\ntwo", language, "Article", 200, draw)
        texts = [
            data.decode(name, "ignore") for name in ("utf-8", "cp1252", "shift_jis", "euc_jp", "gb18030", "cp1251", "koi8-r", "utf-16")
        ]
        assert any(title in text for text in texts), draw


def test_pages_differ_in_where_the_title_stands_and_in_what_is_broken() -> None:
    seen: Counter[str] = Counter()
    for draw in range(400):
        text = page("Red vase", "About a vase.", "one\ntwo", "en", ("Article", "Product", "Recipe")[draw % 3], 200, draw).decode(
            "utf-8", "ignore"
        )
        marks = (
            "application/ld+json",
            "@graph",
            "og:title",
            'name="description"',
            "cookie-banner",
            "<nav",
            "charset=",
            ",}</script>",
            "</article>",
        )
        seen.update(mark for mark in marks if mark in text)
    assert all(seen[mark] > 0 for mark in ("@graph", ",}</script>")), seen
    assert all(0.3 * 400 < seen[mark] < 400 for mark in ("application/ld+json", "og:title", "charset=", "</article>")), seen
    assert seen["cookie-banner"] > 350


def test_an_error_page_says_so_and_garbage_is_no_page() -> None:
    assert b"404" in page("Red vase", "About.", "one", "en", "Article", 404, 1)
    good = page("Red vase", "About.", "one", "en", "Article", 200, 1)
    spoilt = [garbage(good, draw) for draw in range(50)]
    assert all(b"Red vase" not in data for data in spoilt)
    assert b"" in spoilt


def test_the_same_draw_gives_the_same_bytes() -> None:
    assert page("a", "b", "c", "de", "Recipe", 200, 9) == page("a", "b", "c", "de", "Recipe", 200, 9)
