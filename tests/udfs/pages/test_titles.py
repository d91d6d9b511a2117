from __future__ import annotations

import pytest

from udfs.pages.titles import agreed, shared, site_names, without_site

SITES = site_names("https://www.plumandthyme.co.uk/pies/1", ["Plum & Thyme"])


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Apple pie | Plum & Thyme", "Apple pie"),
        ("Apple pie - plumandthyme.co.uk", "Apple pie"),
        ("Apple pie – Plum & Thyme: food for friends", "Apple pie"),
        ("Apple pie » PlumAndThyme", "Apple pie"),
        ("Plum & Thyme | Apple pie", "Apple pie"),
        ("Apple pie - Desserts - Plum & Thyme", "Apple pie - Desserts"),
        ("Apple pie –", "Apple pie"),
        ("Sugar-free apple-pie", "Sugar-free apple-pie"),
        ("Apple pie | Somebody else", "Apple pie | Somebody else"),
        ("Plum & Thyme", "Plum & Thyme"),
        ("", ""),
    ],
)
def test_a_title_loses_the_name_of_its_site_and_nothing_else(title: str, expected: str) -> None:
    assert without_site(title, SITES) == expected


def test_a_site_goes_by_its_host_and_by_what_it_says() -> None:
    assert {"plumandthyme", "plumandthymecouk"} <= SITES
    assert not site_names("http://[broken", [""])
    assert site_names("not a url", ["Plum"]) == {"plum"}


def test_a_heading_counts_where_a_title_holds_it_whole() -> None:
    titles = ["Apple pie recipe, the best one - Plum & Thyme"]
    assert agreed(titles, ["Menu of today", "Plum & Thyme", "Apple Pie"], SITES) == "Apple Pie"
    assert agreed(titles, ["Cherry pie"], SITES) == ""


def test_titles_share_words_without_regard_to_case() -> None:
    assert shared("Apple Pie", "the best apple pie") == 1.0
    assert shared("Apple Pie", "apple tart") == 0.5
    assert shared("", "apple") == 0.0
