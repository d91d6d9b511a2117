"""What a page's markup holds: metadata, headings, items in microdata and RDFa, paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import lxml.etree
import lxml.html

from udfs.pages import structured
from udfs.pages.cleaning import letters, one_line
from udfs.pages.structured import Item

_NOT_TEXT = frozenset("script style noscript template nav header footer aside form button select svg iframe head".split())
_HIDDEN = frozenset("script style noscript template".split())
_BLOCKS = frozenset("p br div li ul ol td tr th h1 h2 h3 h4 h5 h6 section blockquote".split())
_PARAGRAPHS = frozenset("p li td th dd dt h1 h2 h3 h4 h5 h6 blockquote pre figcaption".split())
_CLASS_TYPES = {"hrecipe": "recipe", "h-recipe": "recipe", "hproduct": "product", "h-product": "product"}
_CLASS_PROPERTIES = {"fn": "name", "p-name": "name", "summary": "description", "p-summary": "description"}
_INNER_BLOCKS = _BLOCKS - {"br"}
# A heading may stand in the page's header; what is a link or a step of a list is no sentence about the page.
_NOT_SENTENCES = (_NOT_TEXT - {"header"}) | {"a", "li"}
_MOST_HEADINGS = 10
_LONGEST_HEADING = 300


def tree_of(text: str) -> lxml.html.HtmlElement | None:
    """The page as a tree; None where it holds nothing at all."""
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.ParserError:
        return None


@dataclass(frozen=True)
class Markup:
    """A parsed page, asked for its parts."""

    tree: lxml.html.HtmlElement

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The first content of every meta tag by its property or name, lower case."""
        found: dict[str, str] = {}
        for meta in self.tree.iter("meta"):
            content = one_line(meta.get("content"))
            for name in (meta.get("property"), meta.get("name")):
                if name and content:
                    found.setdefault(name.strip().lower(), content)
        return found

    @cached_property
    def title(self) -> str:
        """The text of the title element in the head, not one of a drawing."""
        return next((text for e in self.tree.iter("title") if (text := visible(e)) and e.getparent().tag != "svg"), "")

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The first main headings that have a text."""
        found = (visible(heading) for heading in self.tree.iter("h1"))
        return tuple(text for text in found if 0 < len(text) <= _LONGEST_HEADING)[:_MOST_HEADINGS]

    @cached_property
    def language(self) -> str:
        """The language that the page declares, such as `de` for de-AT; empty where it declares none."""
        said = self.tree.get("lang") or self.tree.get("{http://www.w3.org/XML/1998/namespace}lang") or self.tree.get("xml:lang")
        said = said or self.metadata.get("og:locale") or self.metadata.get("content-language") or ""
        code = said.strip().replace("_", "-").split("-")[0].lower()
        return code if code.isascii() and code.isalpha() and 2 <= len(code) <= 3 else ""

    @cached_property
    def json_ld(self) -> list[Item]:
        """Items of all JSON-LD scripts."""
        found: list[object] = []
        for script in self.tree.iter("script"):
            if "ld+json" in (script.get("type") or "").lower():
                found += structured.values(script.text or "")
        return structured.items(found)

    @cached_property
    def annotated(self) -> list[Item]:
        """Items in microdata, RDFa and the older class names, in the order of the page."""
        return [*self._items("itemtype", "itemprop"), *self._items("typeof", "property"), *self._class_items()]

    def _items(self, type_attribute: str, property_attribute: str) -> Iterator[Item]:
        """Items of one annotation scheme."""
        for scope in self.tree.xpath(f"//*[@{type_attribute}]"):
            types = frozenset(structured.type_name(name) for name in scope.get(type_attribute).split())
            if not types & (structured.THINGS | structured.ARTICLES):
                continue
            found: dict[str, str] = {}
            for element in scope.xpath(f".//*[@{property_attribute}]"):
                owner = next(
                    (a for a in element.iterancestors() if a.get(type_attribute) is not None or a.get("itemscope") is not None), None
                )
                if owner is scope and element.get(type_attribute) is None:
                    for name in element.get(property_attribute).split():
                        _keep_first(found, structured.type_name(name), element)
            yield Item(types, found.get("name", ""), found.get("headline", ""), found.get("description", ""), _depth(scope, type_attribute))

    def _class_items(self) -> Iterator[Item]:
        """Items marked by class names (microformats)."""
        for scope in self.tree.xpath("//*[contains(@class, 'recipe') or contains(@class, 'product')]"):
            kinds = frozenset(_CLASS_TYPES[name] for name in scope.get("class").split() if name in _CLASS_TYPES)
            found: dict[str, str] = {}
            for element in scope.xpath(".//*[@class]") if kinds else ():
                for name in element.get("class").split():
                    _keep_first(found, _CLASS_PROPERTIES.get(name, ""), element)
            if found:
                yield Item(kinds, found.get("name", ""), "", found.get("description", ""))

    def below(self, title: str) -> Iterator[str]:
        """The texts of the innermost blocks from the main heading that holds the title to the next smaller heading."""
        begun = False
        walk = lxml.etree.iterwalk(self.tree, events=("start",))
        for _, element in walk:
            if element.tag in _NOT_SENTENCES:
                walk.skip_subtree()
            elif element.tag == "h1":
                begun = begun or letters(title) in letters(visible(element))
            elif begun and element.tag in ("h2", "h3"):
                return
            elif begun and element.tag in ("p", "div") and next(element.iterdescendants(*_INNER_BLOCKS), None) is None:
                yield visible(element)

    def paragraphs(self, longest: int) -> str:
        """All paragraphs outside navigation, one a line, until `longest` characters: what is left when a cleverer reader fails."""
        lines: list[str] = []
        length = 0
        walk = lxml.etree.iterwalk(self.tree, events=("start",))
        for _, element in walk:
            if element.tag in _NOT_TEXT:
                walk.skip_subtree()
            elif element.tag in _PARAGRAPHS and next(element.iterdescendants(*_PARAGRAPHS), None) is None:
                if line := visible(element):
                    lines.append(line)
                    length += len(line) + 1
                if length > longest:
                    break
        return "\n".join(lines) or "".join(_texts(self.tree, _NOT_TEXT))


def visible(element: lxml.html.HtmlElement) -> str:
    """The text of an element on one line, without scripts and styles."""
    return one_line("".join(_texts(element, _HIDDEN)) if len(element) else element.text)


def _texts(element: lxml.html.HtmlElement, hidden: frozenset[str]) -> Iterator[str]:
    """The pieces of text inside an element in order, a space around blocks, nothing of hidden elements."""
    walk = lxml.etree.iterwalk(element, events=("start", "end"))
    for event, inner in walk:
        if inner.tag in _BLOCKS:
            yield " "
        if event == "end":
            if inner is not element and inner.tail:
                yield inner.tail
        elif inner.tag in hidden:
            walk.skip_subtree()
        elif inner.text:
            yield inner.text


def _keep_first(found: dict[str, str], name: str, element: lxml.html.HtmlElement) -> None:
    """Notes a property's value unless there is one."""
    if name in ("name", "headline", "description") and not found.get(name):
        found[name] = one_line(element.get("content")) or visible(element)


def _depth(scope: lxml.html.HtmlElement, type_attribute: str) -> int:
    """How many annotated items lie around this one."""
    return sum(1 for a in scope.iterancestors() if a.get(type_attribute) is not None)
