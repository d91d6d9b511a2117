"""Bags of words: the character trigrams, words and pairs of words of texts, and their ids in a vocabulary. Whole batches of Arrow at once.

The rules are those that the vocabularies of OmniSearchSage (arXiv 2404.16260, public code) were made by, so that its trainer reads ours:
NFKC case-fold, words between white space and punctuation, Han characters as words of their own, trigrams over `#text#`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.embeddings import GRAMS

Ints = npt.NDArray[np.int64]
_SEAM, _MARK = "\0", "#"
# Default_Ignorable_Code_Point: what NFKC_Casefold of Unicode takes out, beside folding.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x2F800, 0x2FA1F))
_WORD, _SPACE, _MARKS, _CHARACTER = range(4)
"""Kinds of characters: of words, white space, punctuation, and words of one character."""


def normalised(texts: pa.Array) -> list[str]:
    """The texts in the form that is cut: NFKC, case-folded, without what cannot be seen; empty for null. Idempotent."""
    joined = _SEAM.join(text.replace(_SEAM, " ") if text else "" for text in texts.to_pylist())
    while True:
        folded = _IGNORED.sub("", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", joined).casefold()))
        if folded == joined:  # no character composes with the seam, so texts stay apart
            return joined.split(_SEAM)
        joined = folded


@dataclass(frozen=True)
class Grams:
    """Tokens of a batch of texts, and the place of the text that each is of, in their order."""

    tokens: pa.Array
    rows: Ints


def grams(texts: pa.Array) -> dict[str, Grams]:
    """The tokens of the texts by GRAMS; a null or empty text has none."""
    codes = np.frombuffer((_SEAM + _SEAM.join(normalised(texts)) + _SEAM).encode("utf-32-le"), np.uint32)
    kinds = np.where(codes == 0, _SPACE, _kinds()[codes])
    rows = np.cumsum(codes == 0) - 1
    words = _words(codes, kinds, rows)
    return {"char_trigram": _trigrams(codes, kinds, rows), "unigram": words, "bigram": _pairs(words)}


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """The kind of every code point; what is no letter and no digit in ASCII is punctuation, symbols of other blocks are of words."""
    found = np.zeros(0x110000, np.uint8)
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category[0] == "P" or (category[0] == "S" and code < 0x80):
            found[code] = _MARKS
        elif category == "Cc" or chr(code).isspace():
            found[code] = _SPACE
    for first, last in _HAN:
        found[first : last + 1] = _CHARACTER
    return found


def _words(codes: npt.NDArray[np.uint32], kinds: npt.NDArray[np.uint8], rows: Ints) -> Grams:
    inside = (kinds == _WORD) | (kinds == _CHARACTER)
    before = np.concatenate([[False], inside[:-1]])
    alone = kinds == _CHARACTER
    begins = inside & (~before | alone | np.concatenate([[False], alone[:-1]]))
    starts = np.flatnonzero(begins[inside])
    return Grams(_strings(codes[inside], starts), rows[begins])


def _pairs(words: Grams) -> Grams:
    follows = words.rows[1:] == words.rows[:-1]
    first, second = words.tokens[:-1].filter(pa.array(follows)), words.tokens[1:].filter(pa.array(follows))
    return Grams(pc.binary_join_element_wise(first, second, _MARK), words.rows[:-1][follows])


def _trigrams(codes: npt.NDArray[np.uint32], kinds: npt.NDArray[np.uint8], rows: Ints) -> Grams:
    """Windows of three characters over the texts with a mark for white space, at both ends too, and none after a mark."""
    mark = np.uint32(ord(_MARK))
    seam, space = codes == 0, kinds == _SPACE
    after_mark = np.concatenate([[True], (space | (codes == mark))[:-1]])
    # A seam ends the text before it, and begins the one behind it.
    times = np.where(seam, np.where(after_mark, 1, 2), np.where(space & after_mark, 0, 1))
    strung = np.repeat(np.where(space, mark, codes), times)
    of = np.repeat(rows, times)
    of[np.cumsum(times)[seam & (times == 2)] - 2] -= 1
    whole = np.flatnonzero(of[2:] == of[:-2])
    return Grams(_strings(strung[whole[:, None] + np.arange(3)].reshape(-1), np.arange(len(whole)) * 3), of[whole])


def _strings(codes: npt.NDArray[np.uint32], starts: Ints) -> pa.Array:
    """Arrow strings of consecutive parts of code points."""
    data = codes.tobytes().decode("utf-32-le").encode()
    sizes = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    offsets = np.append(ends[starts], len(data)).astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(data)).cast(pa.string())


@dataclass(frozen=True)
class Bags:
    """Ids of a batch of texts, one after another, and where each text's begin: what torch's EmbeddingBag takes."""

    ids: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by GRAMS, each at its index; ids of one kind follow those of the kind before."""

    tokens: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return sum(map(len, self.tokens.values()))

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        first, found = 0, {}
        for kind in GRAMS:
            found[kind] = {token: first + n for n, token in enumerate(self.tokens[kind])}
            first += len(self.tokens[kind])
        return found

    def bags(self, texts: pa.Array) -> Bags:
        """The ids of the texts' tokens, repeats kept, a token that is not in the vocabulary left out; of a text by kind, in its order."""
        ids, rows = (np.concatenate(part) for part in zip(*self._found(texts), strict=True))
        order = np.argsort(rows, kind="stable")
        return Bags(ids[order], np.searchsorted(rows[order], np.arange(len(texts))))

    def _found(self, texts: pa.Array) -> Iterator[tuple[Ints, Ints]]:
        for kind, cut in grams(texts).items():
            distinct: Any = cut.tokens.dictionary_encode()
            place = self._places[kind].get
            own = np.array([place(token, -1) for token in distinct.dictionary.to_pylist()], np.int64)
            ids = own[distinct.indices.to_numpy()] if len(own) else np.zeros(0, np.int64)
            yield ids[ids >= 0], cut.rows[ids >= 0]
