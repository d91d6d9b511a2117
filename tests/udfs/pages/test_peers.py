from __future__ import annotations

import importlib.util

import pytest

from udfs.children.child import named
from udfs.pages import peers
from udfs.pages.guard import Limits
from udfs.pages.peers import PEERS, missing, parser_of

STORY = "Peel the apples, cut them into thin slices and toss them with sugar, lemon juice and cinnamon. Bake the pie until it is brown. "
PAGE = (
    '<html><head><meta charset="utf-8"><title>Crème pie</title><meta name="description" content="A pie of crème."></head>'
    f"<body><article><h1>Crème pie</h1><p>{STORY * 4}</p></article></body></html>"
)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_every_peer_says_what_a_plain_page_says_in_its_head(name: str, encoding: str) -> None:
    read = named(parser_of(name))
    page = PAGE if encoding == "utf-8" else PAGE.replace('<meta charset="utf-8">', '<meta charset="windows-1252">')
    said = read("https://plum.example/pie", page.encode(encoding), Limits())
    assert (said.title, said.description) == ("Crème pie", "A pie of crème.")
    assert STORY.strip() in said.main_text


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("page", ["", "<p>no head", "<meta name='description'><title></title>"])
def test_a_peer_that_finds_nothing_says_nothing(name: str, page: str) -> None:
    said = named(parser_of(name))("", page.encode(), Limits())
    assert (said.title, said.description) == (None, None)


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() == []
    found = importlib.util.find_spec
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None if name == "resiliparse" else found(name))
    assert missing() == ["resiliparse"]
