"""Other readers of pages, asked as they come: what `pinlake evaluate link-texts --peers` puts beside ours. No job uses them."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

import trafilatura

from udfs.pages.guard import Limits

PEERS = ("trafilatura", "resiliparse")
"""The readers by name, each a package and a parser of this module."""


@dataclass(frozen=True)
class PeerText:
    """What a reader says of a page; None where it says nothing. The main text is asked for too, since that is what may never return."""

    title: str | None
    description: str | None
    main_text: str | None


def parser_of(name: str) -> str:
    """The function that children run for a reader."""
    return f"{__name__}:{name}_text"


def missing() -> list[str]:
    """The readers that are not installed."""
    return [name for name in PEERS if importlib.util.find_spec(name) is None]


def trafilatura_text(url: str, body: bytes, limits: Limits) -> PeerText:
    """What trafilatura alone says, with its own decoding and defaults."""
    tree = trafilatura.load_html(body)
    if tree is None:
        return PeerText(None, None, None)
    said = trafilatura.extract_metadata(tree, default_url=url)
    return PeerText(said.title, said.description, trafilatura.extract(tree, url=url))


def resiliparse_text(url: str, body: bytes, limits: Limits) -> PeerText:
    """What resiliparse alone says; it has no reader of metadata, so the title element and the meta description stand for one."""
    # A development dependency: nothing but this comparison needs it.
    encodings, html, texts = (_part(name) for name in ("parse.encoding", "parse.html", "extract.html2text"))
    tree = html.HTMLTree.parse_from_bytes(body, encodings.detect_encoding(body))
    head = tree.head
    metas = [head.query_selector(f'meta[{kind}="{name}"]') for kind, name in (("name", "description"), ("property", "og:description"))]
    description = next((said for meta in metas if meta is not None and (said := meta.getattr("content"))), None)
    return PeerText(tree.title or None, description, texts.extract_plain_text(tree, main_content=True))


def _part(name: str) -> ModuleType:
    """A module of resiliparse."""
    return importlib.import_module(f"resiliparse.{name}")
