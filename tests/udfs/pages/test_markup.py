from __future__ import annotations

import pytest

from udfs.pages.markup import Markup, tree_of


def marked(text: str) -> Markup:
    """The parsed page."""
    tree = tree_of(text)
    assert tree is not None
    return Markup(tree)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_page_has_no_tree(text: str) -> None:
    assert tree_of(text) is None


def test_a_page_with_an_xml_declaration_is_parsed() -> None:
    assert marked('<?xml version="1.0" encoding="utf-8"?><html><head><title>é</title></head></html>').title == "é"


def test_metadata_is_kept_by_its_first_content() -> None:
    page = marked('<meta property="OG:Title" content=" A &amp;amp; B "><meta name="og:title" content="later"><meta name="x" content="">')
    assert page.metadata == {"og:title": "A & B"}


def test_the_title_is_not_that_of_a_drawing() -> None:
    assert marked("<body><svg><title>icon</title></svg></body>").title == ""


def test_headings_leave_out_scripts_and_empty_ones() -> None:
    page = marked("<h1></h1><h1><img></h1><h1>Apple<br>pie<script>x()</script><style>y</style></h1><h2>no</h2>")
    assert page.headings == ("Apple pie",)


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ('<html lang="de-AT"><p>', "de"),
        ('<html lang="PT_br"><p>', "pt"),
        ('<html><meta property="og:locale" content="sv_SE">', "sv"),
        ('<html lang="{{ lang }}"><p>', ""),
        ("<html><p>", ""),
    ],
)
def test_the_declared_language_is_a_code(page: str, language: str) -> None:
    assert marked(page).language == language


def test_microdata_belongs_to_the_nearest_item() -> None:
    (item,) = marked("""<div itemscope itemtype="http://schema.org/Recipe"><h2 itemprop="name">Apple <b>pie</b></h2>
        <div itemprop="author" itemscope itemtype="http://schema.org/Person"><span itemprop="name">Ada</span></div>
        <meta itemprop="description" content="A pie."></div>""").annotated
    assert (set(item.types), item.title, item.description) == ({"recipe"}, "Apple pie", "A pie.")


def test_rdfa_and_class_names_are_read_too() -> None:
    rdfa, classes = marked("""<div typeof="schema:Product"><p property="schema:name">Tin</p><p property="description">Round.</p></div>
        <div class="x hrecipe"><p class="fn">Pie</p><p class="summary">A pie.</p></div>
        <div class="recipe"><p class="fn">no</p></div>""").annotated
    assert (set(rdfa.types), rdfa.title, rdfa.description) == ({"product"}, "Tin", "Round.")
    assert (set(classes.types), classes.title, classes.description) == ({"recipe"}, "Pie", "A pie.")


def test_paragraphs_leave_out_navigation_and_count_nested_ones_once() -> None:
    page = marked("<nav><p>menu</p></nav><div><ul><li><p>one</p></li><li>two</li></ul></div><footer><p>legal</p></footer><p>three</p>")
    assert page.paragraphs(1_000) == "one\ntwo\nthree"
    assert page.paragraphs(2) == "one"


def test_a_page_without_paragraphs_gives_its_plain_text() -> None:
    assert marked("<div>just <span>words</span><script>no()</script></div>").paragraphs(100).split() == ["just", "words"]
