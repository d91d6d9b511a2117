"""Titles without the name of their site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from udfs.pages.cleaning import folded, letters

_SEPARATOR = re.compile(r"\s+[|–—·•»›~\-/]+\s+|\s*[|»]\s*|\s+[–—-]+$")
# Shorter names of sites would be found inside ordinary words.
_SHORTEST_INSIDE = 4


def site_names(url: str, said: Iterable[str]) -> frozenset[str]:
    """Letters of the names that the site goes by: what the page says of its site, and the parts of the host but for the last."""
    host = urlsplit(url).hostname or "" if _is_url(url) else ""
    labels = [label for label in host.split(".")[:-1] if label != "www"]
    return frozenset(name for name in (_name(text) for text in (*said, *labels, host.removeprefix("www."))) if name)


def _name(text: str) -> str:
    """The letters of a name; hosts spell an ampersand as a word."""
    return letters(text.replace("&", "and"))


def _is_url(text: str) -> bool:
    """True where the text can be taken apart as an address."""
    try:
        urlsplit(text).hostname  # noqa: B018
    except ValueError:
        return False
    return True


def without_site(title: str, sites: frozenset[str]) -> str:
    """The title without the parts at its end, or at its start, that name the site."""
    parts, marks = _parts(title)
    while len(parts) > 1 and (not parts[-1] or is_site(parts[-1], sites)):
        parts.pop()
        marks.pop()
    while len(parts) > 1 and (not parts[0] or is_site_name(parts[0], sites)):
        parts.pop(0)
        marks.pop(0)
    return "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True)).strip()


def _parts(title: str) -> tuple[list[str], list[str]]:
    """The parts of a title and the separators between them."""
    marks = [found.group() for found in _SEPARATOR.finditer(title)]
    return [part.strip() for part in _SEPARATOR.split(title)], marks


def is_site_name(text: str, sites: frozenset[str]) -> bool:
    """True where the text is a name of the site and nothing else."""
    return _name(text) in sites


def is_site(part: str, sites: frozenset[str]) -> bool:
    """True where a part of a title is, or holds, a name of the site."""
    name = _name(part)
    return name in sites or any(len(site) >= _SHORTEST_INSIDE and site in name for site in sites)


def agreed(titles: Sequence[str], headings: Sequence[str], sites: frozenset[str]) -> str:
    """The first heading that one of the titles contains as a whole and that is not the site's name; empty where there is none.

    Where both are the same letters, the spelling with more words: headings may lack spaces that only a style sheet draws.
    """
    for title in titles:
        whole = letters(title)
        for heading in headings:
            name = letters(heading)
            if len(name) >= _SHORTEST_INSIDE - 1 and name in whole and not is_site_name(heading, sites):
                return title if name == whole and len(title.split()) > len(heading.split()) else heading
    return ""


def shared(first: str, second: str) -> float:
    """The share of the shorter text's words that the other one has."""
    one, two = set(folded(first).split()), set(folded(second).split())
    return len(one & two) / min(len(one), len(two)) if one and two else 0.0
