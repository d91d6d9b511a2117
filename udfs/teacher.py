"""The teacher as the engine asks it: pairs of a query and a text to probabilities of five grades, its own or those of its prior alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.prompted import PromptedTeacher
from models.specs import ModelError
from models.teacher import GRADES, Teacher
from models.teachers import loaded
from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared


class TeacherTask:
    """A teacher that is asked about (query, text)."""

    kind = pa.list_(pa.float32(), GRADES)

    def __init__(self, teacher: Teacher | PromptedTeacher, precision: str, prior_alone: bool = False) -> None:
        self.precision = precision
        self._teacher = teacher
        self._alone = teacher.prior if prior_alone and isinstance(teacher, Teacher) else None
        if prior_alone and self._alone is None:
            raise ModelError("this teacher has no prior")

    def prepare(self, inputs: Columns) -> Prepared:
        """Tokens of every pair; one without a query or a text is refused. Pairs of one text are alike: the prior reads it once a batch."""
        queries, texts = inputs
        refused = {**blank(texts, "no text"), **blank(queries, "no query")}
        pairs = self._teacher.pairs(*([one or "" for one in column.to_pylist()] for column in (queries, texts)))
        alike = texts.dictionary_encode(null_encoding="encode").indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return Prepared(pairs, np.array([len(pair.ids) for pair in pairs], dtype=np.int32), refused, alike)

    def batch(self, items: Any, places: Places) -> Any:
        """Padded tensors of the pairs at these places."""
        return self._teacher.padded([items[place] for place in places])

    def run(self, batch: Any) -> pa.Array:
        """Five probabilities a pair."""
        found = self._alone.probabilities(batch.apart) if self._alone else self._teacher.probabilities(batch)
        return pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1).astype(np.float32)), GRADES)


def blank(column: pa.Array, reason: str) -> dict[int, str]:
    """The reason for every place where there is nothing to read."""
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
    return {int(place): reason for place in np.flatnonzero(blank.to_numpy(zero_copy_only=False))}


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> TeacherTask:
    """The teacher of a folder; with `prior_alone` among the options its prior answers by itself."""
    return TeacherTask(loaded(Path(folder), device, precision), precision, bool(options.get("prior_alone")))
