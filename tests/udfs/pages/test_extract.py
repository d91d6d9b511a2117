from __future__ import annotations

import json

import pytest

from udfs.pages.extract import PageText, page_text
from udfs.pages.guard import Limits, RefusedPage

URL = "https://www.plumandthyme.example/apple-pie"
STORY = (
    "Peel the apples, cut them into thin slices and toss them with sugar, lemon juice and cinnamon. "
    "Roll out the pastry, line the tin with it and fill it with the apples. "
    "Bake the pie until the crust is golden brown and the juice begins to bubble."
)


def read(head: str = "", body: str = "", attributes: str = "", url: str = URL) -> PageText:
    """What a page of these parts says."""
    page = f"<!doctype html><html{attributes}><head>{head}</head><body><nav><a>Home</a></nav>{body}<footer>Imprint</footer></body></html>"
    return page_text(url, page.encode(), Limits())


def ld(*values: object) -> str:
    """JSON-LD scripts."""
    return "".join(f'<script type="application/ld+json">{json.dumps(value)}</script>' for value in values)


RECIPE = {"@type": "Recipe", "name": "Apple pie", "description": "Our oldest recipe."}
ARTICLE = {"@type": "Article", "headline": "What my aunt taught me"}
LEAD = "A pie that smells of autumn and keeps for a week."
TOLD = "Find our apple pie and all that you need for it at Plum & Thyme!"
META = '<meta name="description" content="%s">'
ADVERT = META % TOLD.replace("&", "&amp;")
TITLES = '<meta property="og:title" content="The best apple pie | Plum &amp; Thyme"><title>The best apple pie - Plum &amp; Thyme</title>'


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        (TITLES + ld(RECIPE), "<h1>The best apple pie</h1>", "Apple pie"),
        (TITLES + ld({"@graph": [ARTICLE, {"@type": "WebSite", "name": "Plum & Thyme"}, RECIPE]}), "", "Apple pie"),
        (TITLES + ld(ARTICLE, [RECIPE]), "<h1>What my aunt taught me</h1>", "Apple pie"),
        (TITLES + ld({"@type": ["Product", "CreativeWork"], "name": "Plum & Thyme"}, RECIPE), "", "Apple pie"),
        # Of many things the one that the page's titles name; none of them where they name none.
        (TITLES + ld({"@type": "Recipe", "name": "Plum cake"}, RECIPE), "", "Apple pie"),
        (TITLES + ld({"@type": "ItemList", "itemListElement": [{"@type": "Recipe", "name": "Plum cake"}, RECIPE]}), "", "Apple pie"),
        (TITLES, '<div itemscope itemtype="https://schema.org/Recipe"><b itemprop="name">Pie of apples</b></div>', "Pie of apples"),
        (TITLES + ld(ARTICLE), "<h1>What my aunt taught me</h1>", "What my aunt taught me"),
        (TITLES, "<h1>Apple pie</h1>", "Apple pie"),
        (TITLES, "<h1>Plum & Thyme</h1>", "The best apple pie"),
        (TITLES, "", "The best apple pie"),
        ("<title>Apple pie — plumandthyme</title>", "", "Apple pie"),
        # Words that only a style sheet sets apart.
        (TITLES, "<h1><i>The</i><i>best</i><i>apple</i><i>pie</i></h1>", "The best apple pie"),
        ("", "<h1>Apple pie</h1>", "Apple pie"),
        ("", "<p>no title at all, only a sentence that says so</p>", None),
    ],
)
def test_the_title_names_what_the_page_is_about(head: str, body: str, title: str | None) -> None:
    assert read(head, body).title == title


@pytest.mark.parametrize(
    ("head", "body", "description"),
    [
        (ld(RECIPE) + '<meta name="description" content="Find recipes here.">', "", "Our oldest recipe."),
        (ld({**RECIPE, "description": "Apple pie"}) + '<meta name="description" content="Find recipes here.">', "", "Find recipes here."),
        (ld({**RECIPE, "description": ""}, {"@type": "Article", "headline": "Apple pie", "description": "A story."}), "", "A story."),
        (
            '<meta property="og:description" content="A pie that …"><meta name="description" content="A pie that warms you.">',
            "",
            "A pie that warms you.",
        ),
        ('<meta property="og:description" content="…"><meta name="description" content="A real one here.">', "", "A real one here."),
        (ld({"@type": "WebPage", "description": "All about the pie."}), "", "All about the pie."),
        ("<title>Apple pie</title>" + META % "Apple Pie – a pie that warms you.", "", "a pie that warms you."),
        ("<title>Apple pie</title>" + META % "Apple pie is what warms you.", "", "Apple pie is what warms you."),
        ("<title>Apple pie</title>" + META % "Apple pie - so good", "", "Apple pie - so good"),
        # Words that name both the page and its site advertise: where a sentence stands below the heading, it says more.
        (ADVERT, f"<h1>Apple pie</h1><p>By Ada</p><div><b>Easy</b></div><div>{LEAD}</div><p>{STORY}</p>", LEAD),
        (
            ADVERT,
            f"<p>{STORY}</p><h1>Apple pie</h1><nav><p>{STORY}</p></nav><a href='/x'><p>{STORY}</p></a><h2>Steps</h2><p>{LEAD}</p>",
            TOLD,
        ),
        (ADVERT, f"<h1>Today</h1><p>{LEAD}</p>", TOLD),
        (
            META % "Apple pie for the whole family, with cinnamon.",
            f"<h1>Apple pie</h1><p>{LEAD}</p>",
            "Apple pie for the whole family, with cinnamon.",
        ),
        (
            META % "Plum and Thyme pie is our oldest.",
            f"<h1>Plum and Thyme pie</h1><p>{LEAD}</p>",
            "Plum and Thyme pie is our oldest.",  # the site's name is part of the title
        ),
        # What was cut is taken from the text that it was cut from, as long as it is most of it.
        (META % f"Apple pie {STORY[:150]}...", f"<article><h1>Apple pie</h1><p>{STORY}</p></article>", STORY),
        (META % f"{STORY[:150]} […]", f"<article><h1>Apple pie</h1><p>{STORY}</p></article>", STORY),
        (META % f"{STORY[:150]}?", f"<article><h1>Apple pie</h1><p>{STORY}</p></article>", f"{STORY[:150]}?"),
        (META % f"{STORY[::-1][:100]} {STORY[:60]}…", f"<article><p>{STORY}</p></article>", f"{STORY[::-1][:100]} {STORY[:60]}…"),
        (ld({**ARTICLE, "description": f"{STORY[:90]}…"}), f"<article><h1>What my aunt taught me</h1><p>{STORY}</p></article>", STORY),
        (ld({**RECIPE, "description": f"{STORY[:90]}…"}), f"<article><h1>Apple pie</h1><p>{STORY}</p></article>", f"{STORY[:90]}…"),
        ("<title>Apple pie</title>", f"<article><h1>Apple pie</h1><p>{STORY}</p><p>{STORY[::-1]}</p></article>", STORY),
        (
            "<title>Apple pie</title>",
            f"<article><ul><li>{STORY[:150]} and so on.</li><li>{STORY[150:]}</li></ul><p>{STORY}</p></article>",
            STORY,
        ),
        ("<title>Apple pie</title>", "", None),
    ],
)
def test_the_description_is_the_item_s_then_the_page_s_then_the_first_paragraph(head: str, body: str, description: str | None) -> None:
    assert read(head, body).description == description


def test_the_main_text_is_without_navigation_and_cut_at_its_limit() -> None:
    page = f"<html><body><nav>Home About</nav><article>{'<p>' + STORY + '</p>'}</article></body></html>".encode()
    whole, cut = (page_text(URL, page, Limits(main_text=most)).main_text for most in (20_000, 50))
    assert whole == STORY
    assert cut == STORY[:50].rstrip()


SHIRT = {"@type": "Product", "name": "Linen shirt", "description": "Cool in summer.", "brand": {"@type": "Brand", "name": "Loom"}}
RED = {"@type": "Product", "name": "Linen shirt - red, L", "description": "Red.", "offers": {"@type": "Offer", "name": "Our price"}}
OTHER = {"@type": "Product", "name": "Wool hat", "description": "Warm in winter."}
ORDER = '<title>Linen shirt | Loom</title><meta name="description" content="Order linen shirts at Loom today.">'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (ld(SHIRT), ""),
        (ld({**SHIRT, "@type": "ProductGroup", "hasVariant": [RED, {**RED, "name": "Linen shirt - blue, S"}]}), ""),
        (ld({**SHIRT, "@type": "schema:Product", "model": [RED]}), ""),
        (ld([{"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "name": "Shirts"}]}, SHIRT]), ""),
        (ld({"@graph": [{"@type": "WebPage", "name": "Linen shirt | Loom", "mainEntity": SHIRT}, {"@type": "Store", "name": "Loom"}]}), ""),
        (ld({"@type": "Offer", "price": 10, "itemOffered": SHIRT, "seller": {"@type": "Organization", "name": "Loom"}}), ""),
        (ld({**SHIRT, "isRelatedTo": [OTHER, RED], "offers": [{"@type": "AggregateOffer"}]}), ""),
        (ld(OTHER, SHIRT), ""),
        (ld({**SHIRT, "name": [{"@language": "en", "@value": "Linen shirt"}]}), ""),
        (ld(SHIRT).replace("}</script>", ",}</script>"), ""),
        (
            "",
            """<div itemscope itemtype="https://schema.org/Product"><meta itemprop="name" content="Linen shirt">
            <p itemprop="brand" itemscope itemtype="https://schema.org/Brand"><b itemprop="name">Loom</b></p>
            <p itemprop="offers" itemscope itemtype="https://schema.org/Offer"><b itemprop="name">Our price</b></p>
            <p itemprop="description">Cool in summer.</p></div>""",
        ),
        (
            "",
            """<div vocab="https://schema.org/" typeof="Product"><h2 property="name">Linen shirt</h2>
            <p property="offers" typeof="Offer"><b property="name">Our price</b></p><p property="description">Cool in summer.</p></div>""",
        ),
    ],
)
def test_a_product_is_read_wherever_it_stands_and_not_its_variants_offers_or_brand(head: str, body: str) -> None:
    said = read(ORDER + head, body)
    assert (said.title, said.description) == ("Linen shirt", "Cool in summer.")


GERMAN = "Die Äpfel schälen, in dünne Scheiben schneiden und mit Zucker, Zitronensaft und Zimt vermengen. Danach den Teig ausrollen. "


@pytest.mark.parametrize(
    ("attributes", "text", "language"),
    [
        ("", GERMAN * 4, "de"),
        (' lang="en"', GERMAN * 4, "de"),  # a template's language that the text contradicts
        (' lang="de"', "Käse", "de"),
        (' lang="no"', "Bland sukker og mel i en stor bolle, og ha i smør. " * 8, "nb"),
        ("", "りんごの皮をむいて、薄く切り、砂糖とシナモンを混ぜます。" * 8, "ja"),
        (' lang="fr"', "123 456", "fr"),
    ],
)
def test_the_language_is_that_of_the_text_with_the_declared_one_as_tie_breaker(attributes: str, text: str, language: str) -> None:
    assert read("", f"<article><p>{text}</p></article>", attributes).language == language


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("", "no_text"),
        ("<!-- nothing -->", "no_text"),
        ("<html><body><script>x()</script></body></html>", "no_text"),
        ("<p>" + STORY, "no_title"),
        ("<title>Apple pie</title>", "no_description"),
        ("<title>Apple pie</title><p>" + STORY, "ok"),
        ("just words, no markup at all", "no_title"),
    ],
)
def test_the_status_says_what_is_missing(page: str, status: str) -> None:
    assert page_text(URL, page.encode(), Limits()).status == status


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<title>Cr\xe8me br\xfbl\xe9e</title>", "Crème brûlée"),
        ('<meta charset="shift_jis"><title>りんごのパイ</title>'.encode("cp932"), "りんごのパイ"),
        ("\ufeff<title>Яблочный пирог</title>".encode("utf-16-le"), "Яблочный пирог"),
        ('<meta charset="gb18030"><title>苹果派的做法</title>'.encode("gb18030"), "苹果派的做法"),
        (b"<title>nul\x00 and \x0bcontrols\x1f</title>" + b"<p>words" * 9, "nul and controls"),
        (b"<TITLE>unclosed <b>title", "unclosed title"),
        ("<title>Æ&#xd83d;&#0;&#x110000; pie</title>".encode(), "Æ\ufffd\ufffd pie"),
    ],
)
def test_pages_in_any_encoding_give_clean_titles(page: bytes, title: str) -> None:
    found = page_text(URL, page, Limits()).title
    assert found is not None
    assert found.replace("\ufffd", "") == title.replace("\ufffd", "")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"<p " + b"a " * 200_000 + b">", "more than 200 attributes"),
        (b"<i>" * 50_000, "more than 256 deep"),
        (b"<p>" + b"x" * (2 << 20), "larger than"),
        (b"%PDF-1.4", "a PDF"),
    ],
)
def test_bombs_are_refused_before_they_are_parsed(page: bytes, reason: str) -> None:
    with pytest.raises(RefusedPage, match=reason):
        page_text(URL, page, Limits())
