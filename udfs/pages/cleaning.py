"""Clean text out of markup and entities: one line for titles and descriptions, lines for main text."""

from __future__ import annotations

import html
import re

import ftfy

# Controls but for tab and line breaks; zero-width marks and byte order marks; lone surrogates, which no file can hold.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_BLOCK_TAG = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|th|table|section|blockquote|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->")
_LINES = re.compile(r"\s*\n\s*")
_NOT_WORDS = re.compile(r"[\W_]+")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# Text that was escaped twice or three times is common in JSON-LD; more is an attempt to be funny.
_MOST_UNESCAPES = 3


def without_controls(text: str) -> str:
    """The text without control characters, zero-width marks and lone surrogates; surrogate pairs become the character they spell."""
    joined = _SURROGATE_PAIR.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _UNWANTED.sub("", joined)


def one_line(text: str | None) -> str:
    """The text a reader sees, on one line: entities unescaped, tags and controls removed, broken encodings repaired; empty for none."""
    if not text:
        return ""
    for _ in range(_MOST_UNESCAPES):
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    text = _TAG.sub("", _BLOCK_TAG.sub(" ", text))
    text = without_controls(text)
    # Beside a replacement character the repair takes good letters for a part of the damage.
    return " ".join((text if "\ufffd" in text else ftfy.fix_encoding(text)).split())


def many_lines(text: str | None, most: int) -> str:
    """Running text with its line breaks, controls removed and spaces collapsed, cut at `most` characters; empty for none."""
    if not text:
        return ""
    lines = _LINES.sub("\n", without_controls(text).strip())
    return "\n".join(" ".join(line.split()) for line in lines.split("\n"))[:most].rstrip()


def folded(text: str) -> str:
    """Case- and space-folded text, for comparing titles."""
    return " ".join(text.split()).casefold()


def letters(text: str) -> str:
    """Only the letters and digits of the text, case-folded: 'Panini Happy®' and 'paninihappy' are one name."""
    return _NOT_WORDS.sub("", text).casefold()
