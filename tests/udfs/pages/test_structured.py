from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.pages.structured import items, values


@pytest.mark.parametrize(
    "text",
    [
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}',
        '\ufeff [{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}]',
        '<!-- {"@type": "Recipe", "name": "Apple pie", "description": "A pie."} -->',
        '<![CDATA[ {"@type": "Recipe", "name": "Apple pie", "description": "A pie."} ]]>',
        '//<![CDATA[\n{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}\n//]]>',
        '/*<![CDATA[*/{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}/*]]>*/',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.",}',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "steps": ["a", "b", ], }',
        '{"@type": "Recipe", "name": "Apple\npie", "description": "A\tpie."}',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie."};',
        '// the recipe\n{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "steps": ["Peel the app',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "steps": [{"text": "Peel"',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "note": ',
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "note": "an 8" tin, and \\d \\\' more"}',
        "{&quot;@type&quot;: &quot;Recipe&quot;, &quot;name&quot;: &quot;Apple pie&quot;, &quot;description&quot;: &quot;A pie.&quot;}",
        '{"@type": "Recipe", "name": "Apple pie", "description": "A pie.", "n": ' + "9" * 6_000 + "}",
        '{"@type": "Person"}{"@type": "Recipe", "name": "Apple pie", "description": "A pie."}',
        '{"@graph": [{"@type": "WebSite"}, {"@type": ["NewsArticle", "Recipe"], '
        '"name": ["Apple pie"], "description": {"@value": "A pie."}}]}',
        '{"@type": "https://schema.org/Recipe", "name": "Apple&nbsp;pie", "description": "<p>A pie.</p>"}',
        '{"@type": "Recipe", "name": "Apple pie\\u0000", "description": "A \\ud83dpie."}',
    ],
)
def test_broken_and_unusual_json_ld_still_names_its_recipe(text: str) -> None:
    recipes = [item for item in items(values(text)) if "recipe" in item.types]
    assert [(item.title, item.description) for item in recipes] == [("Apple pie", "A pie.")]


def test_a_quote_inside_a_string_is_kept() -> None:
    (item,) = items(values('{"@type": "Product", "name": "The "big" tin", "description": "say "yes", then go"}'))
    assert (item.title, item.description) == ('The "big" tin', 'say "yes", then go')


@pytest.mark.parametrize("text", ["", "   ", "var x = 1", "<p>no</p>", "[" * 100_000, '{"a":' * 50_000, '"' * 1_000, "{" + '"\\' * 1_000])
def test_what_is_no_json_has_no_items(text: str) -> None:
    assert items(values(text)) == []


def test_an_article_goes_by_its_headline_and_anything_else_by_its_name() -> None:
    article, product = items(
        [
            {"@type": "NewsArticle", "name": "n", "headline": "h"},
            {"@type": "Product", "name": "n", "headline": "h", "offers": [{"@type": "Offer"}]},
        ]
    )[:2]
    assert (article.title, product.title) == ("h", "n")


def test_outer_items_come_first_and_know_their_depth() -> None:
    found = items([{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": {"@type": "Recipe"}}]}, {"@type": "Recipe"}])
    assert [(min(item.types), item.depth) for item in found] == [("itemlist", 0), ("recipe", 0), ("listitem", 1), ("recipe", 2)]


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=4))
def test_valid_json_is_read_as_it_is(value: dict[str, object]) -> None:
    assert values(json.dumps(value)) == [value]


@given(st.text('{}[]",:\\/u0 ab\n<>!-;', max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(items(values(text)), list)


def test_a_hostile_script_is_read_in_time_proportional_to_its_length() -> None:
    hostile = (
        '{"@type":"Recipe","name":"' + '\\"' * 200_000,
        '"' * 400_000,
        '{"a":' + "\n" * 400_000 + "x",
        '{"a":' + " " * 400_000 + "x",
        "// ]]>" * 60_000,
        "/*" * 200_000,
        "[" * 400_000,
        '{"a":"b",' * 50_000,
        ", " * 200_000 + "]",
    )
    started = time.process_time()
    for text in hostile:
        values(text)
    assert time.process_time() - started < 10, "a quadratic reading of one of them takes minutes"
