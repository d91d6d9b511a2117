"""What a model must offer to be asked by the engine, and how a worker is told which one to ask."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.contract import PRECISIONS
from udfs.engine.archives import local_folder
from udfs.engine.batching import Places
from udfs.engine.threads import ThreadPlan

Columns = Sequence[pa.Array]
"""Input columns, equally long."""


@dataclass(frozen=True)
class Prepared:
    """Inputs ready for the model: `items` is what the task's `batch` takes, `lengths` tokens by input, `refused` reasons by place.

    `alike`, where it is there, has equal numbers for inputs that share a part which the task reads once a batch.
    """

    items: Any
    lengths: npt.NDArray[np.int32]
    refused: Mapping[int, str] = field(default_factory=dict)
    alike: npt.NDArray[np.int64] | None = None


class Task(Protocol):
    """A model on a device. `prepare` and `batch` are called from another thread than `run`, for what comes next while `run` is at work."""

    kind: pa.DataType
    """Type of an answer."""
    precision: str
    """One of `PRECISIONS`: the numbers that it runs with."""

    def prepare(self, inputs: Columns) -> Prepared:
        """The inputs tokenised or decoded, each once; a row that is null in all columns is never run."""

    def batch(self, items: Any, places: Places) -> Any:
        """The items at these places as `run` takes them: padded, as tensors."""

    def run(self, batch: Any) -> pa.Array:
        """The answers to a batch, in the order of its places."""


CPU_TOKENS = 2_048
"""What lies between the layers of a small encoder stays in a core's cache: a batch of 8,192 took 1.4 times as long a token."""
ACCELERATOR_TOKENS = 32_768


@dataclass(frozen=True)
class Budget:
    """How much is taken at once: distinct inputs and their bytes in a window (a row a batch of the source may be more), padded tokens and
    rows of a batch, and batches that are made ahead."""

    window_rows: int = 8_192
    window_bytes: int = 256 << 20
    batch_tokens: int | None = None
    """None: what suits the device (`on`)."""
    batch_rows: int = 256
    ahead: int = 4

    def __post_init__(self) -> None:
        small = [name for name, value in vars(self).items() if value is not None and value < 1]
        if small:
            raise ValueError(f"{', '.join(small)}: a window and a batch hold at least one")

    def on(self, device: str) -> Budget:
        """The budget with the tokens of a batch that suit the device, where they are not set."""
        return replace(self, batch_tokens=self.batch_tokens or (CPU_TOKENS if device == "cpu" else ACCELERATOR_TOKENS))


@dataclass(frozen=True)
class Asking:
    """Which model is asked, and how: small and picklable, as it travels to every worker.

    `loader` is `module:function`, called as `loader(folder, options, device, precision)` and returning a Task; `content_hash` tells
    models apart in a worker; `precision` is one of `PRECISIONS` or `auto`, for which a probe on the worker's machine decides among
    the `candidates`.
    """

    loader: str
    folder: str
    content_hash: str
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "auto"
    candidates: tuple[str, ...] = PRECISIONS
    plan: ThreadPlan = ThreadPlan()
    budget: Budget = Budget()
    probe_rows: int = 64
    """How many inputs of the first window a probe asks about."""
    probe_cache: str = ""
    """Folder in which a machine keeps the outcomes of its probes; empty: they are kept by the process only."""

    def __post_init__(self) -> None:
        if self.precision not in (*PRECISIONS, "auto"):
            raise ValueError(f"precision {self.precision!r}: one of auto, {', '.join(PRECISIONS)}")

    def module(self) -> ModuleType:
        """The module of the loader, imported with the libraries of its models."""
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # a worker's bars would stand among the lines of the command
        return importlib.import_module(self.loader.partition(":")[0])

    def load(self, device: str, precision: str) -> Task:
        """The task, loaded anew."""
        function = self.loader.partition(":")[2]
        task: Task = getattr(self.module(), function)(local_folder(self.folder), dict(self.options), device, precision)
        return task
