"""A page's title, description, main text and language, from its bytes.

The title is the name of the item that the page is about (JSON-LD, then microdata, RDFa and class names); without one the
main heading that the page's own titles (Open Graph, Twitter, <title>) contain; else the first of those without the site's
name, else the first heading. The description is that of the item; else the longest of the page's meta descriptions that
begin alike, or the first sentence below the heading where these advertise the site; else the first paragraph of the main
text. A description that breaks off is taken whole from the main text where it stands there.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import py3langid
import trafilatura

from udfs.pages import guard, structured, titles
from udfs.pages.cleaning import letters, many_lines, one_line
from udfs.pages.decode import decoded
from udfs.pages.guard import Limits
from udfs.pages.markup import Markup, tree_of
from udfs.pages.structured import Item

# Its warnings quote the page.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

# Loads its model now, at the start of a process, while no page's time runs.
py3langid.rank("")

_TITLES = ("og:title", "twitter:title", "title", "dc.title", "sailthru.title")
_DESCRIPTIONS = ("og:description", "description", "twitter:description", "dc.description", "sailthru.description")
_SITES = ("og:site_name", "application-name", "apple-mobile-web-app-title")
_MAIN = 3
_SAME_SUBJECT = 0.5
_FEWEST_WORDS = 3
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔")
_CUTS = ("…", "...", "[…]", "[...]")
_SHORTEST_PARAGRAPH = 40
_LONGEST_DESCRIPTION = 5_000
_LONGEST_TITLE = 500
_LANGUAGE_SAMPLE = 5_000
# Macro-language and withdrawn codes, and what the rest of the world calls them.
_SAME_LANGUAGE = {"no": "nb", "iw": "he", "in": "id", "ji": "yi"}
# Below this many letters a guess of the language is worth less than what the page declares.
_SURE_LETTERS = 200


@dataclass(frozen=True)
class PageText:
    """What a page says about itself; None where it does not."""

    title: str | None
    description: str | None
    main_text: str | None
    language: str | None
    encoding: str
    status: str


def page_text(url: str, body: bytes, limits: Limits) -> PageText:
    """What the page says about itself; RefusedPage where it breaks a limit or is not text."""
    text, encoding = decoded(guard.unpacked(body, limits))
    guard.check(text, limits)
    tree = tree_of(text)
    if tree is None:
        return PageText(None, None, None, None, encoding, "no_text")
    page = Markup(tree)
    items = [*page.json_ld, *page.annotated]
    sites = titles.site_names(url, [page.metadata.get(name, "") for name in _SITES] + [i.name for i in items if i.types & structured.SITES])
    item = main_item(page, items, sites)
    title = (item.title if item else "") or _page_title(page, sites)
    description = (_description(item, items) if item else "") or _page_description(page, items, title, sites)
    declared = page.language
    main_text = _main_text(page, limits.main_text)  # last: the reader changes the tree
    if item is None or _kind(item) != _MAIN:  # what a recipe or a product says of itself stands as it is
        description = _completed(description, main_text)
    description = description or _first_paragraph(main_text, title)
    title, description = title[:_LONGEST_TITLE], description[:_LONGEST_DESCRIPTION]
    language = _language(main_text or f"{title}. {description}", declared) if title or description or main_text else None
    status = _status(title, description, main_text)
    return PageText(title or None, description or None, main_text or None, language, encoding, status)


def _status(title: str, description: str, main_text: str) -> str:
    """What is missing, or ok."""
    if not (title or description or main_text):
        return "no_text"
    if not title:
        return "no_title"
    return "ok" if description else "no_description"


def main_item(page: Markup, items: list[Item], sites: frozenset[str]) -> Item | None:
    """The item that the page is about: one that shares words with the page's titles or stands alone, a thing before an article."""
    said = [titles.without_site(t, sites) for t in (page.metadata.get("og:title", ""), page.title, *page.headings) if t]
    named = [item for item in items if _kind(item) and item.title and not titles.is_site_name(item.title, sites)]
    outermost = min((item.depth for item in named if _kind(item) == _MAIN), default=0)
    alone = len({letters(item.title) for item in named if _kind(item) == _MAIN and item.depth == outermost}) == 1
    best: Item | None = None
    best_rank: tuple[float, ...] = ()
    for item in named:
        agrees = max((titles.shared(item.title, title) for title in said), default=0.0) >= _SAME_SUBJECT
        agrees = agrees or (alone and _kind(item) == _MAIN and item.depth == outermost)
        rank = (agrees, _kind(item), -item.depth, bool(item.description))
        if best is None or rank > best_rank:
            best, best_rank = item, rank
    return best


def _kind(item: Item) -> int:
    """How likely a page that has such an item is about it; 0 for items that pages are not about."""
    return (
        _MAIN
        if item.types & structured.MAIN_THINGS
        else 2
        if item.types & structured.THINGS
        else 1
        if item.types & structured.ARTICLES
        else 0
    )


def _description(item: Item, items: list[Item]) -> str:
    """The description of the item, or of another one of the same title; empty where it only repeats the title."""
    name = letters(item.title)
    same = [item, *sorted((i for i in items if _kind(i) and letters(i.title) == name), key=_kind, reverse=True)]
    return next((one.description for one in same if letters(one.description) not in ("", name)), "")


def _page_title(page: Markup, sites: frozenset[str]) -> str:
    """The title of a page without a main item."""
    said = [page.metadata[name] for name in _TITLES if name in page.metadata]
    said += [page.title] if page.title else []
    bare = [titles.without_site(title, sites) for title in said]
    return titles.agreed(bare, page.headings, sites) or next((t for t in bare if t), "") or next(iter(page.headings), "")


def _meta_description(page: Markup, items: list[Item], title: str) -> str:
    """The page's own description: the longest of those that begin as the first does (others are often cut); empty for none."""
    said = [page.metadata[name] for name in _DESCRIPTIONS if name in page.metadata]
    said += [item.description for item in items if item.types & structured.PAGES and item.description]
    said = [_without_title(one, title) for one in said]
    said = [one for one in said if len(one.split()) >= _FEWEST_WORDS and letters(one) != letters(title)]
    if not said:
        return ""
    start = said[0].rstrip(".… ")
    return max((one for one in said if one.startswith(start)), key=len, default=said[0])


def _page_description(page: Markup, items: list[Item], title: str, sites: frozenset[str]) -> str:
    """The page's own description; where that advertises the site, the first sentence below the heading, if there is one."""
    said = _meta_description(page, items, title)
    return next(filter(_is_paragraph, page.below(title)), said) if title and _advertises(said, title, sites) else said


def _advertises(description: str, title: str, sites: frozenset[str]) -> bool:
    """True where the text names both the page and, apart from that, its site."""
    rest = re.sub(re.escape(title), " ", description, flags=re.IGNORECASE)
    return rest != description and titles.is_site(rest, sites)


def _is_paragraph(text: str) -> bool:
    """True where the text is long enough to say something and ends as sentences do."""
    return len(text) >= _SHORTEST_PARAGRAPH and text.rstrip("\"'”’)»]").endswith(_SENTENCE_ENDS)


def _without_title(description: str, title: str) -> str:
    """The description without the title and a dash before it; as it is where hardly anything would be left."""
    opening = re.match(rf"{re.escape(title)}\s+[-–—|]\s+", description, re.IGNORECASE) if title else None
    rest = description[opening.end() :] if opening else ""
    return rest if len(rest.split()) >= _FEWEST_WORDS else description


def _completed(description: str, main_text: str) -> str:
    """The paragraph of the main text that a description which breaks off was cut from; else the description."""
    if not description.endswith(_CUTS):
        return description
    stem = description.rstrip("[]….").rstrip()
    for line in main_text.split("\n") if stem else ():
        at = stem.find(line[:_SHORTEST_PARAGRAPH])
        # A heading may stand before it, no more.
        if len(line) >= _SHORTEST_PARAGRAPH and 0 <= 2 * at < len(stem) and line.startswith(stem[at:]):
            return line
    return description


def _first_paragraph(main_text: str, title: str) -> str:
    """The first paragraph of the main text that is more than a heading or a step of a list; empty for none."""
    lines = (line for line in main_text.split("\n") if not line.startswith("- "))
    paragraphs = [line for line in lines if len(line) >= _SHORTEST_PARAGRAPH and letters(line) != letters(title)]
    return one_line(next(filter(_is_paragraph, paragraphs), next(iter(paragraphs), "")))


def _main_text(page: Markup, most: int) -> str:
    """The main text, or all paragraphs where the reader finds none or fails."""
    try:
        found = trafilatura.extract(page.tree, include_comments=False, include_tables=True, fast=True)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError, RecursionError):
        # The reader meets trees that it did not expect; the paragraphs are still there.
        found = None
    return many_lines(found or page.paragraphs(most), most)


def _language(text: str, declared: str) -> str | None:
    """The language of the text; what the page declares where the text is short or could be either."""
    declared = _SAME_LANGUAGE.get(declared, declared)
    sample = text[:_LANGUAGE_SAMPLE]
    if not any(character.isalpha() for character in sample):
        return declared or None
    ranked = [_SAME_LANGUAGE.get(code, code) for code, _ in py3langid.rank(sample)[:3]]
    if declared and (declared in ranked or len(letters(sample)) < _SURE_LETTERS):
        return declared
    return str(ranked[0])
