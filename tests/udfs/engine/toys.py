"""A task without weights: a text's answer is its upper case; `vile` is refused, `boom` breaks the model, `slow` takes its time."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared


class Upper:
    """Upper case, with a suffix from the options; remembers the batches that it ran."""

    kind = pa.string()

    def __init__(self, precision: str = "fp32", suffix: str = "", slow_seconds: float = 0.05) -> None:
        self.precision = precision
        self.suffix = suffix
        self.slow_seconds = slow_seconds
        self.ran: list[list[str]] = []

    def prepare(self, inputs: Columns) -> Prepared:
        """The texts; their lengths are their tokens."""
        texts = ["".join(str(part) for part in row if part is not None) for row in zip(*(c.to_pylist() for c in inputs), strict=True)]
        lengths = np.array([len(text) for text in texts], dtype=np.int32)
        return Prepared(texts, lengths, {place: "it is vile" for place, text in enumerate(texts) if text == "vile"})

    def batch(self, items: Any, places: Places) -> Any:
        """The texts at these places."""
        return [items[place] for place in places]

    def run(self, batch: Any) -> pa.Array:
        """Their upper case."""
        if "boom" in batch:
            raise RuntimeError("the model broke")
        if "slow" in batch:
            time.sleep(self.slow_seconds)
        self.ran.append(batch)
        return pa.array([text.upper() + self.suffix for text in batch], pa.string())


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> Upper:
    """The toy; every load leaves a line in the file `loads` of the folder, if there is a folder."""
    if folder:
        with (Path(folder) / "loads").open("a") as file:
            file.write(f"{os.getpid()} {device} {precision}\n")
    return Upper(precision, **options)


def loud(folder: str, options: Mapping[str, Any], device: str, precision: str) -> Upper:
    """The toy, told on the process's own stdout and stderr."""
    os.write(1, b"loaded\n")
    os.write(2, b"loaded\n")
    return load(folder, options, device, precision)
