"""Texts as bags of tokens: how they are cut, and that a plain loop over characters cuts them the same."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bags import Vocabulary, grams, normalised

TEXTS = st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=24) | st.text(" #a-é漢字カ🔥\u200d́İﬁ", max_size=12), max_size=6)


HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x2F800, 0x2FA1F))
"""Blocks of Han characters, those included that a version of Unicode does not name yet."""


def cut(text: str | None) -> dict[str, list[str]]:
    """The tokens of one text."""
    found = grams(pa.array([text], pa.string()))
    return {kind: one.tokens.to_pylist() for kind, one in found.items()}


def plain(text: str) -> dict[str, list[str]]:
    """The same, character by character."""
    strung = "#"
    for character in text:
        space = character.isspace() or unicodedata.category(character) == "Cc"
        if not space:
            strung += character
        elif strung[-1] != "#":
            strung += "#"
    strung += "" if strung[-1] == "#" else "#"
    words, word = [], ""
    for character in text:
        category = unicodedata.category(character)
        han = any(first <= ord(character) <= last for first, last in HAN)
        apart = character.isspace() or category[0] == "P" or category == "Cc" or (character < "\x80" and category[0] == "S")
        if han or apart:
            words += [word] * bool(word) + [character] * han
            word = ""
        else:
            word += character
    words += [word] * bool(word)
    return {
        "char_trigram": [strung[n : n + 3] for n in range(len(strung) - 2)],
        "unigram": words,
        "bigram": [f"{a}#{b}" for a, b in zip(words, words[1:], strict=False)],
    }


@pytest.mark.parametrize(
    ("text", "trigrams", "words", "pairs"),
    [
        ("Oak  Table", ["#oa", "oak", "ak#", "k#t", "#ta", "tab", "abl", "ble", "le#"], ["oak", "table"], ["oak#table"]),
        ("a", ["#a#"], ["a"], []),
        ("Straße, ＡＢＣ", None, ["strasse", "abc"], ["strasse#abc"]),
        ("木の机", ["#木の", "木の机", "の机#"], ["木", "の", "机"], ["木#の", "の#机"]),
        ("👩\u200d🍳 food🔥", ["#👩🍳", "👩🍳#", "🍳#f", "#fo", "foo", "ood", "od🔥", "d🔥#"], ["👩🍳", "food🔥"], ["👩🍳#food🔥"]),
        ("  don't-stop ", None, ["don", "t", "stop"], ["don#t", "t#stop"]),
        ("", [], [], []),
        (None, [], [], []),
        (" \n\t", [], [], []),
    ],
)
def test_a_text_is_cut_into_trigrams_words_and_pairs(
    text: str | None, trigrams: list[str] | None, words: list[str], pairs: list[str]
) -> None:
    found = cut(text)
    assert found["unigram"] == words
    assert found["bigram"] == pairs
    assert trigrams is None or found["char_trigram"] == trigrams


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_batch_is_cut_as_its_texts_are_one_by_one(texts: list[str | None]) -> None:
    found = grams(pa.array(texts, pa.string()))
    forms = normalised(pa.array(texts, pa.string()))[: len(texts)]
    for kind, one in found.items():
        rows = [list[str]() for _ in texts]
        for token, row in zip(one.tokens.to_pylist(), one.rows, strict=True):
            rows[row].append(token)
        assert rows == [plain(form)[kind] for form in forms], kind


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_normalising_twice_is_normalising_once(texts: list[str | None]) -> None:
    once = normalised(pa.array(texts, pa.string()))
    assert normalised(pa.array(once, pa.string())) == once
    assert not any(unicodedata.normalize("NFKC", text).casefold() != text for text in once)


def test_a_vocabulary_gives_ids_kind_by_kind_and_leaves_out_what_it_lacks() -> None:
    vocabulary = Vocabulary({"char_trigram": ["#ta", "tab"], "unigram": ["table", "oak"], "bigram": ["oak#table"]})
    bags = vocabulary.bags(pa.array(["oak table table", None, "chair", "tab"]))
    assert len(vocabulary) == 5
    assert bags.offsets.tolist() == [0, 8, 8, 8]
    assert bags.ids.tolist() == [0, 1, 0, 1, 3, 2, 2, 4, 0, 1]
    nothing = vocabulary.bags(pa.array([None, ""], pa.string()))
    assert (len(nothing), nothing.ids.dtype, nothing.offsets.tolist()) == (2, np.int64, [0, 0])
    assert len(vocabulary.bags(pa.array([], pa.string()))) == 0
