"""The student as the engine asks it: a query, a text, and what tables know of the pair, to probabilities of five grades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.columns import vectors_of
from models.student import Student
from models.teacher import GRADES
from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared
from udfs.teacher import blank

ASKS = ("query", "text", "numbers", "graph_vector")
"""What a student is asked about; `numbers` in the order of schemas.features.NUMBERS, nulls and all where not known."""


_LISTS = pa.list_(pa.float32())


class Asked(NamedTuple):
    """Pairs of a window: the tokens of each distinct query and text, each pair's places among them, its numbers and its entity's vector."""

    queries: list[list[int]]
    texts: list[list[int]]
    query_of: npt.NDArray[np.int64]
    text_of: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.floating]
    graph: npt.NDArray[np.floating]


class StudentTask:
    """A student that is asked about ASKS. A text or a query that comes again is read once a batch."""

    kind = pa.list_(pa.float32(), GRADES)

    def __init__(self, student: Student, precision: str) -> None:
        self.precision = precision
        self._student = student

    def prepare(self, inputs: Columns) -> Prepared:
        """Tokens of every query and text; a pair without one of them is refused."""
        queries, texts = inputs[:2]
        numbers, graph = (column.cast(_LISTS) for column in inputs[2:])  # a column of nulls has no type of its own
        refused = {**blank(texts, "no text"), **blank(queries, "no query")}
        encoder, shape = self._student.encoder, self._student.head.shape
        sides = []
        for column, role in ((queries, "query"), (texts, "document")):
            coded = column.fill_null("").dictionary_encode()
            sides.append((encoder.tokens(coded.dictionary.to_pylist(), role), coded.indices.to_numpy().astype(np.int64)))  # type: ignore[arg-type]
        (asked, query_of), (read, text_of) = sides
        rows = Asked(asked, read, query_of, text_of, vectors_of(numbers, len(shape.numbers)), vectors_of(graph, shape.graph))
        lengths = np.array([len(read[n]) for n in text_of], dtype=np.int32)
        return Prepared(rows, lengths, refused, text_of)

    def batch(self, items: Any, places: Places) -> Any:
        """Padded queries and texts, each once, and what else is known of the pairs at these places."""
        sides = []
        for tokens, of in ((items.queries, items.query_of[places]), (items.texts, items.text_of[places])):
            own, own_of = np.unique(of, return_inverse=True)
            sides.append((self._student.encoder.padded([tokens[n] for n in own]), own_of))
        return *sides, items.numbers[places], items.graph[places]

    def run(self, batch: Any) -> pa.Array:
        """Five probabilities a pair."""
        (queries, query_of), (texts, text_of), numbers, graph = batch
        query, text = (self._student.encoder.pooled(*side)[of] for side, of in ((queries, query_of), (texts, text_of)))
        found = self._student.probabilities(query, text, graph, numbers)
        return pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1)), GRADES)


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> StudentTask:
    """The student of a folder."""
    return StudentTask(Student.loaded(Path(folder), device, precision), precision)
