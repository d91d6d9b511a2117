"""How long a request takes, on one core: one query with some hundred entities, or one query alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.served import Served, ServedQueries
from models.student import Floats, Student
from udfs.engine import threads
from udfs.engine.operator import answered
from udfs.engine.precision import chosen
from udfs.engine.task import Asking

WARM = 5
BLOCK = 64
"""Queries that are padded together where it is not their time that counts."""


@dataclass(frozen=True)
class Entities:
    """What a server holds of entities: texts, vectors made of them beforehand, (n, dim), embeddings and numbers as a feature store gives
    them for the pairs."""

    texts: Sequence[str]
    vectors: Floats
    graph: Floats
    numbers: Floats


@dataclass(frozen=True)
class Times:
    """Seconds of some requests."""

    seconds: Sequence[float]

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was done."""
        return float(np.quantile(self.seconds, share) * 1_000)

    def told(self) -> dict[str, float | int]:
        """{requests, p50_ms, p99_ms}."""
        return {"requests": len(self.seconds), "p50_ms": round(self.quantile(0.5), 3), "p99_ms": round(self.quantile(0.99), 3)}


def student_times(student: Student, served: Served, queries: Sequence[str], entities: Entities) -> Times:
    """A request a query: its vector is made, and the head in ONNX Runtime scores it with all entities."""
    n = len(entities.vectors)

    def request(query: str) -> None:
        vector = student.encoder.vectors(student.encoder.tokens([query], "query"))
        served.probabilities(np.repeat(vector, n, axis=0), entities.vectors, entities.graph, entities.numbers)

    return _timed(request, [*queries[:WARM], *queries], len(queries[:WARM]))


def teacher_times(asking: Asking, queries: Sequence[str], texts: Sequence[str]) -> tuple[Times, str]:
    """A request a query, whose pairs with all texts a teacher reads; and the precision that it ran with."""
    device = "cpu"
    columns = [pa.array([query] * len(texts)) for query in queries]
    read = pa.array(list(texts))
    precision = chosen(asking, device, [columns[0].slice(0, asking.probe_rows), read.slice(0, asking.probe_rows)])
    task = asking.load(device, precision)

    def request(asked: pa.Array) -> None:
        for _ in answered(iter([[asked, read]]), lambda inputs: task, asking.budget.on(device)):
            pass

    for _ in answered(iter([[columns[0].slice(0, 8), read.slice(0, 8)]]), lambda inputs: task, asking.budget.on(device)):
        pass  # a few pairs that are not timed
    return _timed(request, columns, 0), precision


def query_times(served: ServedQueries, queries: Sequence[str]) -> Times:
    """A request a query: from its text to its vector."""
    return _timed(lambda query: served.vectors([query]), [*queries[:WARM], *queries], len(queries[:WARM]))


def in_blocks(read: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> Floats:
    """What `read` makes of the texts, (n, width), some of them at a time."""
    return np.concatenate([read(texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)])


def parity(student: Student, served: Served, query: Floats, text: Floats, graph: Floats, numbers: Floats) -> float:
    """The largest difference of a probability between the head in torch and in ONNX Runtime."""
    return float(np.abs(student.probabilities(query, text, graph, numbers) - served.probabilities(query, text, graph, numbers)).max())


def _timed(request: Callable[..., object], given: Sequence[object], warm: int) -> Times:
    threads.apply(threads.ThreadPlan(1, 1))
    taken = []
    for one in given:
        started = time.perf_counter()
        request(one)
        taken.append(time.perf_counter() - started)
    return Times(taken[warm:])
