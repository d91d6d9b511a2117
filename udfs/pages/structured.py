"""What a page says about itself in JSON-LD: items with a type, name, headline and description, however badly written."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from udfs.pages.cleaning import one_line

# The types that sites add for people who look for the page; where one is there, the page is about it.
MAIN_THINGS = frozenset("recipe product productgroup productmodel individualproduct".split())
# schema.org types that a page can be about, by what names it. Anything else (people, organisations, crumbs) is about something else.
THINGS = MAIN_THINGS | frozenset(
    "howto book movie tvseries tvepisode musicalbum musicrecording course event "
    "softwareapplication mobileapplication videogame visualartwork painting sculpture car vehicle apartment house accommodation "
    "vacationrental touristattraction touristtrip menuitem diet exerciseplan dataset".split()
)
ARTICLES = frozenset(
    "article newsarticle blogposting techarticle scholarlyarticle reportagenewsarticle reviewnewsarticle socialmediaposting report".split()
)
PAGES = frozenset("webpage itempage medicalwebpage aboutpage qapage faqpage videoobject".split())
SITES = frozenset("website organization newsmediaorganization corporation onlinestore store brand localbusiness".split())

# Every pattern is read in time proportional to the text: a failed match scans nothing that another one scans again.
_WRAPPING = re.compile(r"(?:(?://|/\*)?\s*+<!\[CDATA\[\s*+(?:\*/)?|<!--)")
_WRAPPING_END = re.compile(r"(?:(?://|/\*)?\s*+\]\]>\s*+(?:\*/)?|(?://\s*+)?-->)\s*+;?$")
_LONGEST_WRAPPING = 100
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*+[}\]])', re.DOTALL)
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\(\'?)')
_COMMENT_LINE = re.compile(r"^[^\S\n]*+//[^\n]*$", re.MULTILINE)
_MOST_VALUES = 50_000
_MOST_ITEMS = 2_000


@dataclass(frozen=True)
class Item:
    """One typed thing that a page describes. `depth` counts the objects around it."""

    types: frozenset[str]
    name: str
    headline: str
    description: str
    depth: int = 0

    @property
    def title(self) -> str:
        """What names the item: an article's headline, anything else's name."""
        return (self.headline or self.name) if self.types & ARTICLES else (self.name or self.headline)


def values(text: str) -> list[object]:
    """All JSON values of one script element; broken JSON is repaired where that is possible, else empty."""
    text = text.strip().lstrip("\ufeff")
    for _ in range(2):
        text = _unwrapped(text)
    for candidate in _readings(text):
        if found := _parsed(candidate):
            return found
    return []


def _unwrapped(text: str) -> str:
    """The text without what hides it from browsers that know no scripts: marks of a comment or of character data around it."""
    start = _WRAPPING.match(text)
    text = (text[start.end() :] if start else text).strip()
    end = _WRAPPING_END.search(text, max(0, len(text) - _LONGEST_WRAPPING))
    return text[: end.start()].rstrip() if end else text


def _readings(text: str) -> Iterator[str]:
    """The text as it is, then with one more kind of mistake repaired each time."""
    yield text
    if '"' not in text and "&quot;" in text:
        text = html.unescape(text)
        yield text
    text = _ESCAPE.sub(lambda found: found[1] or found[2] or r"\\", _COMMENT_LINE.sub("", text))
    text = _STRING_OR_COMMA.sub(lambda found: found[1] or "", text)
    yield text
    text = _with_quotes_escaped(text)
    text = _STRING_OR_COMMA.sub(lambda found: found[1] or "", text)
    yield text
    yield text + _missing_end(text)


def _parsed(text: str) -> list[object]:
    """The JSON values that follow each other in the text; empty where one cannot be read."""
    # Numbers stay text: a number of ten thousand digits is an error to Python and of no use here.
    decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
    found: list[object] = []
    position = 0
    try:
        while True:
            while position < len(text) and (text[position].isspace() or text[position] in ";,"):
                position += 1
            if position == len(text):
                return found
            value, position = decoder.raw_decode(text, position)
            found.append(value)
    except (ValueError, RecursionError):
        return found if found and isinstance(found[0], dict) else []


def _with_quotes_escaped(text: str) -> str:
    """The JSON text with quotes inside strings escaped: one that closes a string stands before a comma, colon, bracket or the end."""
    out: list[str] = []
    inside = False
    last = 0
    for found in re.finditer(r'\\.|"', text, re.DOTALL):
        if found.group() != '"':
            continue
        if not inside:
            inside = True
        elif _closes(text, found.end()):
            inside = False
        else:
            out += text[last : found.start()], '\\"'
            last = found.end()
    return "".join((*out, text[last:]))


_CLOSING = re.compile(r'\s*+(?:[}\]:]|$|,\s*+(?:["{\[}\]0-9-]|true|false|null|$))')


def _closes(text: str, position: int) -> bool:
    """True where a quote before this position ends a string."""
    return _CLOSING.match(text, position) is not None


def _missing_end(text: str) -> str:
    """The quote and brackets that a text that was cut off lacks."""
    closing: list[str] = []
    position = 0
    for found in re.finditer(r'"(?:[^"\\]++|\\.)*+("?)|[{}\[\]]', text, re.DOTALL):
        mark = found.group()
        position = found.end()
        if mark.startswith('"'):
            if not found[1]:
                return '"' + "".join(reversed(closing))
        elif mark in "{[":
            closing.append("}" if mark == "{" else "]")
        elif closing and closing[-1] == mark:
            closing.pop()
    tail = text[position:].rstrip()
    return ("null" if tail.endswith(":") else "") + "".join(reversed(closing))


def items(found: list[object]) -> list[Item]:
    """Every typed object among JSON values, outermost first, in the order of the page; at most two thousand."""
    out: list[Item] = []
    level: list[object] = list(found)
    seen = depth = 0
    while level and seen < _MOST_VALUES and len(out) < _MOST_ITEMS:
        inner: list[object] = []
        # The list grows while it is read: what stands in a list or a graph lies no deeper than they do.
        for value in level:
            seen += 1
            if isinstance(value, list):
                level.extend(value)
            elif isinstance(value, dict):
                if types := _types(value.get("@type") or value.get("type")):
                    name, headline, description = (_text(value.get(key)) for key in ("name", "headline", "description"))
                    out.append(Item(types, name, headline, description, depth))
                for key, part in value.items():
                    if isinstance(part, dict | list):
                        (level if key == "@graph" else inner).append(part)
            if seen >= _MOST_VALUES:
                break
        level = inner
        depth += 1
    return out


def _types(value: object) -> frozenset[str]:
    """The names of an item's types, lower case, without the address of the vocabulary."""
    names = value if isinstance(value, list) else [value]
    return frozenset(type_name(name) for name in names if isinstance(name, str))


def type_name(name: str) -> str:
    """The last part of a type's address, lower case: `recipe` for `https://schema.org/Recipe`."""
    return re.split(r"[/#:]", name.strip())[-1].lower()


def _text(value: object) -> str:
    """A value as one line of text: the first of a list, the `@value` of an object; empty for anything else."""
    if isinstance(value, list):
        value = next((v for v in value if v), None)
    if isinstance(value, dict):
        value = value.get("@value")
    return one_line(value) if isinstance(value, str) else ""
