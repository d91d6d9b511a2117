"""The joint embedding as the engine asks it: a query, or what is read of a pin or product, to a vector of one space."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from models.omnisearchsage import Entities, OmniSearchSage, entities
from schemas.embeddings import NAMES, VECTORS
from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared
from udfs.teacher import blank

ASKS = ("query", *NAMES, *VECTORS)
"""What is asked about: a query, or, where that is null, the fields and embeddings of a pin or product."""


class Asked(NamedTuple):
    """Inputs of a window: tokens of queries, and entities; the place of each input among those of its kind."""

    queries: list[list[int]]
    entities: Entities
    is_query: np.ndarray
    at: np.ndarray


class JointTask:
    """A joint embedding that is asked about ASKS."""

    def __init__(self, model: OmniSearchSage, precision: str) -> None:
        self.precision = precision
        self.kind = pa.list_(pa.float32(), model.shape.width)
        self._model = model

    def prepare(self, inputs: Columns) -> Prepared:
        """Tokens of every query, bags of every entity; a blank query is refused."""
        asked = inputs[0].cast(pa.string())
        is_query = np.asarray(asked.is_valid())
        given = dict(zip(ASKS[1:], inputs[1:], strict=True))
        others = pa.array(~is_query)
        kinds = {name: pa.binary() if name in VECTORS else pa.string() for name in given}
        read = entities(self._model.vocabulary, {name: column.filter(others).cast(kinds[name]) for name, column in given.items()})
        tokens = self._model.encoder.tokens(asked.drop_null().to_pylist(), "query")
        at = np.where(is_query, np.cumsum(is_query), np.cumsum(~is_query)) - 1
        lengths = np.ones(len(asked), np.int32)  # an entity's bags are summed, not padded
        lengths[is_query] = [len(one) for one in tokens]
        refused = {place: why for place, why in blank(asked, "no query").items() if is_query[place]}
        return Prepared(Asked(tokens, read, is_query, at), lengths, refused)

    def batch(self, items: Asked, places: Places) -> Any:
        """Padded queries and entities of these places, and which of them are queries."""
        own = items.is_query[places]
        queries = [items.queries[n] for n in items.at[places[own]]]
        return self._model.encoder.padded(queries) if queries else None, items.entities.taken(items.at[places[~own]]), own

    def run(self, batch: Any) -> pa.Array:
        """One unit vector an input."""
        queries, others, own = batch
        found = np.zeros((len(own), self._model.shape.width), np.float32)
        if queries is not None:
            found[own] = self._model.of_tokens(*queries)
        if len(others):
            found[~own] = self._model.of_entities(others)
        return pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1)), self._model.shape.width)


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> JointTask:
    """The joint embedding of a folder."""
    return JointTask(OmniSearchSage.loaded(Path(folder), device, precision), precision)
