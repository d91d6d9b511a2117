"""Limits that a page must keep before any parser sees it, checked in one linear pass."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass

from udfs.children import limits as children
from udfs.children.limits import RefusedInput


class RefusedPage(RefusedInput):
    """A page that is not read."""


@dataclass(frozen=True)
class Limits(children.Limits):
    """What reading one page may cost."""

    most_bytes: int = 1 << 20
    seconds: float = 5.0
    memory_mb: int = 1024
    attributes: int = 200
    depth: int = 256
    main_text: int = 20_000


# Every repeat is possessive and every alternative ends: a failed match never rescans, so the pass is linear in the page.
_ATTRIBUTE_PATTERN = r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_ATTRIBUTE = re.compile(_ATTRIBUTE_PATTERN)
_TOKEN = re.compile(
    rf"<(?:!--(?:.*?-->|.*+)|(?P<end>/?)(?P<name>[a-z][^\s/>]*+)(?P<attributes>(?:{_ATTRIBUTE_PATTERN})*+)[\s/]*+>?+)",
    re.IGNORECASE | re.DOTALL,
)
_RAW_TEXT_END = {
    name: re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE) for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed")
}
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# An opening tag of one of these ends an open one of the same group; pages seldom close them.
_SIBLINGS = {
    name: frozenset(group.split()) for group in ("p", "li", "dt dd", "tr", "td th", "option", "thead tbody tfoot") for name in group.split()
}
# A crawler may keep what a server packed for the way. `deflate` is zlib; of its levels one begins with letters and is left out.
_PACKED = {b"\x1f\x8b": "gzip", **dict.fromkeys((b"\x78\x01", b"\x78\x9c", b"\x78\xda"), "zlib")}
# The shortest attribute takes two characters, so shorter tags need no count.
_SHORTEST_ATTRIBUTE = 2


def unpacked(body: bytes, limits: Limits) -> bytes:
    """The body, decompressed where it is gzip or zlib; RefusedPage where it is larger than the limit or cannot be decompressed.

    These two begin with bytes that no text begins with. Brotli does not, and is refused as binary later, as zstd is.
    """
    if body[:2] in _PACKED:
        packed = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)  # either of the two
        try:
            body = packed.decompress(body, limits.most_bytes + 1)
        except zlib.error as error:
            raise RefusedPage(f"the page is not valid {_PACKED[body[:2]]}") from error
    if len(body) > limits.most_bytes:
        raise RefusedPage(f"the page is larger than {limits.most_bytes} bytes")
    return body


def check(text: str, limits: Limits) -> None:
    """RefusedPage where a tag has too many attributes or elements lie too deep inside each other."""
    depth = _Depth(limits.depth)
    position = 0
    while token := _TOKEN.search(text, position):
        position = token.end()
        name = token["name"]
        if name is None:
            continue
        _check_attributes(token["attributes"], limits.attributes)
        name = name.lower()
        if token["end"]:
            depth.close(name)
        elif name in _RAW_TEXT_END:
            end = _RAW_TEXT_END[name].search(text, position)
            position = end.start() if end else len(text)
        elif name not in _VOID and not token.group().endswith("/>"):
            depth.open(name)


def _check_attributes(attributes: str, most: int) -> None:
    """RefusedPage where a tag has more attributes than allowed."""
    if len(attributes) > most * _SHORTEST_ATTRIBUTE and len(_ATTRIBUTE.findall(attributes)) > most:
        raise RefusedPage(f"a tag has more than {most} attributes")


class _Depth:
    """The elements that are open, as a parser with implied end tags would see them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: list[str] = []
        self._counts: Counter[str] = Counter()

    def open(self, name: str) -> None:
        """Opens an element; RefusedPage where it lies too deep."""
        if self._open and self._open[-1] in _SIBLINGS.get(name, ()):
            self._pop()
        self._open.append(name)
        self._counts[name] += 1
        if len(self._open) > self._most:
            raise RefusedPage(f"elements are nested more than {self._most} deep")

    def close(self, name: str) -> None:
        """Closes the innermost element of that name and all inside it; an end tag of nothing is ignored."""
        if self._counts[name]:
            while self._pop() != name:
                pass

    def _pop(self) -> str:
        name = self._open.pop()
        self._counts[name] -= 1
        return name
