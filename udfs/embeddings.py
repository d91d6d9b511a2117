"""Embeddings of texts as the engine asks for them: tokenised once, padded ahead of the model, unit vectors out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from models.encoder import Encoder
from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared


class EmbeddingTask:
    """An encoder that is asked about texts: one column of them in the role of the options, or a column of roles (query or document) and
    one of texts. The prefix that the encoder wants depends on the role."""

    def __init__(self, encoder: Encoder, precision: str, role: Any) -> None:
        self.kind = pa.list_(pa.float32(), encoder.dim)
        self.precision = precision
        self._encoder = encoder
        self._role = role

    def prepare(self, inputs: Columns) -> Prepared:
        """Token ids of every text."""
        texts = ["" if text is None else text for text in inputs[-1].to_pylist()]
        roles = inputs[0].to_pylist() if len(inputs) == 2 else [self._role] * len(texts)
        tokens: list[list[int]] = [[] for _ in texts]
        for role in dict.fromkeys(roles):
            own = [place for place, one in enumerate(roles) if one == role]
            for place, ids in zip(own, self._encoder.tokens([texts[place] for place in own], role), strict=True):
                tokens[place] = ids
        return Prepared(tokens, np.fromiter(map(len, tokens), dtype=np.int32, count=len(tokens)))

    def batch(self, items: Any, places: Places) -> Any:
        """Padded ids and where they are held."""
        return self._encoder.padded([items[place] for place in places])

    def run(self, batch: Any) -> pa.Array:
        """One unit vector a text."""
        vectors = self._encoder.pooled(*batch)
        return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), self._encoder.dim)


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> EmbeddingTask:
    """The encoder of a folder; options: `role`, and `max_tokens` where texts are cut shorter than the encoder could read."""
    encoder = Encoder.loaded(Path(folder), device, precision, max_tokens=options.get("max_tokens"))
    return EmbeddingTask(encoder, precision, options.get("role"))
