"""Queries that entities would answer, made of their own words: what a joint embedding starts from before it sees what people did.

A field of an entity at random, and of it a few words that stand together, or one item of a list; as the inverse cloze task takes a sentence
out of a text (Lee et al., 1906.00300).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.embeddings import NAMES

Ints = npt.NDArray[np.int64]
LISTS = ("board_title", "navboost_v2")
"""Fields that join many titles or queries by a comma."""
UNSAID = ("domains", "domain", "links", "size", "size_type", "gpt")
"""Fields that nobody asks for."""
SAID = tuple(name for name in NAMES if name not in UNSAID)
WORDS = 4
"""Words that stand together, at most."""
LONGEST = 60
"""Characters of a query, at most: where no spaces stand between words a text is one."""


def own_words(rows: pa.Table, most: int, seed: int) -> tuple[list[str], Ints]:
    """(queries, the row that each is of): so many draws of rows with the columns NAMES; a row that says nothing is never drawn."""
    columns = [rows[name].combine_chunks().cast(pa.string()) for name in SAID]
    held = np.stack([np.asarray(pc.greater(pc.binary_length(pc.fill_null(one, "")), 0)) for one in columns], 1)
    speaking, luck = np.flatnonzero(held.any(1)), np.random.default_rng(seed)
    if not len(speaking):
        return [], np.zeros(0, np.int64)
    drawn = luck.choice(speaking, most)
    nth = (luck.random(most) * held[drawn].sum(1)).astype(int)
    field = (np.cumsum(held[drawn], axis=1) > nth[:, None]).argmax(1)
    found, of = [], []
    for n, (name, column) in enumerate(zip(SAID, columns, strict=True)):
        own = drawn[field == n]
        texts = column.take(pa.array(own))
        pieces = pc.split_pattern(texts, ", ") if name in LISTS else pc.utf8_split_whitespace(texts)
        found.append(_together(pieces, 1 if name in LISTS else WORDS, luck))
        of.append(own)
    queries = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(pa.concat_arrays(found), 0, LONGEST))
    said = np.asarray(pc.greater(pc.binary_length(queries), 0))
    return queries.filter(pa.array(said)).to_pylist(), np.concatenate(of)[said]


def _together(pieces: pa.ListArray, most: int, luck: np.random.Generator) -> pa.Array:
    """Of each list up to `most` items that follow each other, as one text."""
    lengths = np.asarray(pc.list_value_length(pieces)).astype(np.int64)
    taken = np.minimum(lengths, luck.integers(1, most + 1, len(lengths)))
    starts = np.asarray(pieces.offsets)[:-1] + (luck.random(len(lengths)) * (lengths - taken + 1)).astype(np.int64)
    offsets = np.append(0, np.cumsum(taken))
    places = np.repeat(starts - offsets[:-1], taken) + np.arange(offsets[-1])
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pieces.values.take(pa.array(places))), " ")
