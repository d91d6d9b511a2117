"""Pages: markup that is damaged in every way, encodings that lie, and bombs."""

from __future__ import annotations

import gzip
import json
import random
from functools import cache

_WORDS = "apple pie with cinnamon 美味しい 料理 وصفة سهلة рецепт crème brûlée आसान 🍎".split()
_TAGS = "a b p div span table tr td ul li dl dt form select option svg math script style title textarea template iframe font".split()
_ATTRIBUTES = ("id", "class", "style", "href", "onclick", "data-x", "xml:lang", "itemprop", "itemtype", "property", "content", "name")
_VALUES = ("x", '"', "'y", '"z"', "")
_CHARSETS = ("utf-8", "iso-8859-1", "windows-1251", "shift_jis", "utf-16", "utf-7", "euc-kr", "none-such", "x" * 400, "")
_ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-32", "cp1251", "shift_jis", "gb18030", "utf-7", "big5")


def page(title: str, body: str, charset: str = "utf-8", more: str = "") -> str:
    """A page with a title, a recipe and a body."""
    recipe = {"@context": "https://schema.org", "@type": "Recipe", "name": title, "description": f"How to make {title}."}
    head = f'<meta charset="{charset}"><title>{title}</title><meta name="description" content="{title}">{more}'
    script = f'<script type="application/ld+json">{json.dumps(recipe)}</script>'
    return f'<!doctype html><html lang="en"><head>{head}{script}</head><body><h1>{title}</h1><p>{body}</p></body></html>'


def _text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(_WORDS) for _ in range(words))


def _whole(draw: random.Random) -> str:
    return page(_text(draw, 4), _text(draw, draw.choice((0, 20, 400))))


@cache
def bombs() -> dict[str, tuple[bytes, str]]:
    """Pages that would cost much, by name, each with a pattern of the reason for which it has to be refused."""
    attributes, nested, large = "more than 200 attributes", "nested more than 256 deep", "larger than"
    tags = {
        "bare": b" b" * 200_000,
        "valued": b" b=c" * 200_000,
        "quoted": b' b="c > d"' * 90_000,
        "on lines": b"\nb='c'" * 100_000,
        "joined": b' b="c"b' * 100_000,
    }
    inner = {
        "div": b"<div>",
        "formatting": b"<b>",
        "table": b"<table><tr><td>",
        "font": b"<font color=red>",
        "svg": b"<svg><g>",
        "custom": b"<x-y>",
        "list": b"<ul><li>",
    }
    found = {f"attributes {name}": (b"<html><a" + many + b">", attributes) for name, many in tags.items()}
    found |= {f"nested {name}": (b"<html>" + tag * (50_000 * 5 // len(tag)) + b"words", nested) for name, tag in inner.items()}
    return found | {
        "gzip of 1 GB": (gzip.compress(bytes(1 << 27)) * 8, large),
        "gzip of a large page": (gzip.compress(b"<p>words" * 200_000), large),
        "gzip that is damaged": (b"\x1f\x8b" + b"\xff" * 100, "not valid gzip"),
        "larger than any page": (b"<p>words" * 200_000, large),
    }


def _cut(draw: random.Random) -> bytes:
    data = _whole(draw).encode()
    return data[: draw.randrange(len(data))]


def _flipped(draw: random.Random) -> bytes:
    data = bytearray(_whole(draw).encode())
    for _ in range(draw.choice((1, 10, len(data) // 10))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _soup(draw: random.Random) -> bytes:
    parts = []
    for _ in range(draw.choice((5, 80, 600))):
        tag = draw.choice(_TAGS)
        given = "".join(f" {draw.choice(_ATTRIBUTES)}={draw.choice(_VALUES)}" for _ in range(draw.randrange(4)))
        tags = (f"<{tag}{given}>", f"<{tag}{given}/>", f"</{tag}>", f"<{tag}")
        parts.append(draw.choice((*tags, _text(draw, 2), "<!--", "-->", "<![CDATA[")))
    return "".join(parts).encode()


def _lying(draw: random.Random) -> bytes:
    text = page(_text(draw, 4), _text(draw, 60), draw.choice(_CHARSETS))
    return text.encode(draw.choice(_ENCODINGS), draw.choice(("replace", "ignore", "xmlcharrefreplace")))


def _structured(draw: random.Random) -> bytes:
    deep = draw.choice((10, 900, 5_000, 100_000))
    scripts = (
        "[" * deep,
        '{"a":' * deep,
        '{"@graph":' * deep + "[]" + "}" * deep,
        "[" + '{"@type":"Recipe","name":"x"},' * draw.choice((3, 20_000)) + "]",
        '{"@type":"Recipe","name":' + "9" * draw.choice((20, 100_000)) + "}",
        '{"@type":"Recipe","name":"' + "x" * draw.choice((100, 900_000)) + '"}',
        '{"@type":"Recipe","name":"' + '\\"' * draw.choice((100, 200_000)),
        '{"@type":["Recipe",null,1],"name":{"@value":["x"]},"description":[[["y"]]]}',
        '{"@type":"Recipe","name":"\\ud800 \\u0000 \\uDFFF","description":"\\udead"}',
        '"' * draw.choice((7, 100_000)),
        "/*" * 5_000 + '{"@type":"Recipe"}',
        draw.randbytes(200).decode("latin-1"),
    )
    return page("pie", "words", more=f'<script type="application/ld+json">{draw.choice(scripts)}</script>').encode("utf-8", "replace")


def _flood(draw: random.Random) -> bytes:
    tags = ("<a ", "<a b=", "</", "<!", "<?", "<p>", "</p>", "<br>", "<li>")
    unit = draw.choice(("<", ">", "&", "&#", "&#x10ffff;", "&lt;", '"', *tags, "\0", "\r", "e\u0301", "\u0301", "\u202e"))
    filled = unit * draw.choice((50, 5_000, 100_000 // len(unit)))
    place = draw.choice(("title", "body", "meta", "comment", "script"))
    around = {"meta": f'<meta property="og:title" content="{filled}">', "comment": f"<!--{filled}"}
    return (around.get(place) or f"<{place}>{filled}</{place}>").encode()


def _entities(draw: random.Random) -> bytes:
    kinds = '<!ENTITY a "words">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    outside = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    return f"<?xml version='1.0'?><!DOCTYPE html [{kinds}{outside}]><html><title>&i;&x;</title><p>&i;</p></html>".encode()


def _no_page(draw: random.Random) -> bytes:
    size = draw.choice((0, 1, 50, 20_000))
    starts = (b"%PDF-1.7", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b")
    return draw.choice((draw.randbytes(size), bytes(size), gzip.compress(draw.randbytes(size)), *starts))


DAMAGES = (_cut, _flipped, _soup, _lying, _structured, _flood, _entities, _no_page)


def damaged(draw: random.Random) -> bytes:
    """A page to which something has happened; many still say something."""
    return draw.choice(DAMAGES)(draw)
