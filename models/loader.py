"""From a Delta table to shuffled tensors, without Spark or Java: what a trainer reads.

The rows of a version come in an order that depends on the seed and the epoch alone: row groups are shuffled, some of them at a time make a
window, and the rows of a window are shuffled. Batches are consecutive parts of that order. So any rank or worker can take its share of it,
and a killed epoch can be taken up at any batch, by reading no more than the window in which it stopped.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
import torch

from models.columns import array_of

Batch = dict[str, Any]
"""By column: a tensor, (n,) of numbers and (n, width) of vectors, nan where null; of strings and all else a list."""
WINDOW = 65_536
"""Rows that are shuffled together, at least."""
AHEAD = 4
"""Batches that are made ahead of the trainer."""


@dataclass(frozen=True)
class Shard:
    """One of so many equal parts of a table's windows: of one rank, or of one worker of a rank."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"shard {self.number} of {self.of}: number them from 0")

    def within(self, number: int, of: int) -> Shard:
        """The part of this part."""
        return Shard(self.number * of + number, self.of * of)


def delta(path: str | Path, version: int | None = None) -> ds.Dataset:
    """The files of a Delta table at a version, the newest where none is named, as a dataset; raises what `deltalake` raises.

    Those of this machine are read by pyarrow itself, which workers that are forked may do; of a bucket, workers must be spawned.
    """
    from deltalake import DeltaTable

    folder = Path(path)
    local = fs.SubTreeFileSystem(str(folder.absolute()), fs.LocalFileSystem()) if folder.is_dir() else None
    return DeltaTable(str(path), version=version).to_pyarrow_dataset(filesystem=local)


def parquet(folder: str | Path) -> ds.Dataset:
    """The Parquet files of a folder as a dataset."""
    return ds.dataset(folder, format="parquet")


class Loader(torch.utils.data.IterableDataset[Batch]):
    """Batches of a dataset's columns, an epoch each time it is iterated over: alone, or in torch's DataLoader with `batch_size=None`.

    `where`: which rows count (an expression of pyarrow). `ranks`: how many processes share the rows, `rank` is this one. Every rank has the
    same number of batches, so that none waits for another: what is left over, fewer rows than ranks times a batch, is left out of the epoch
    where there are several ranks. ValueError where a column is not there.
    """

    def __init__(
        self,
        rows: ds.Dataset,
        columns: Sequence[str],
        batch_size: int = 1_024,
        *,
        where: Any = None,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        window: int = WINDOW,
    ) -> None:
        missing = [name for name in columns if name not in rows.schema.names]
        if missing:
            raise ValueError(f"the table has no column {', '.join(missing)}; it has {', '.join(rows.schema.names)}")
        if batch_size < 1 or window < 1:
            raise ValueError("batch_size and window are at least 1")
        self.rows, self.columns, self.batch_size, self.where = rows, list(columns), batch_size, where
        self.shuffle, self.seed, self.window = shuffle, seed, max(window, batch_size)
        self.shard = Shard(rank, ranks)
        self.epoch, self._given = 0, 0
        self._fragments = [part for file in sorted(rows.get_fragments(), key=lambda one: one.path) for part in file.split_by_row_group()]
        self._counts = np.array(
            [part.count_rows(filter=where) if where is not None else _rows_of(part) for part in self._fragments], np.int64
        )

    def __len__(self) -> int:
        """Batches of an epoch of this rank, over all of its workers."""
        workers = _worker()[1]
        return sum(self._batches(self.shard.within(n, workers)) for n in range(workers))

    def state_dict(self) -> dict[str, int]:
        """Where the loader stands: the epoch, and how many of its batches were given. Of a loader that is iterated over in this process."""
        return {"epoch": self.epoch, "given": self._given}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """The next iteration goes on where `state_dict` was taken."""
        self.epoch, self._given = state["epoch"], state["given"]

    def __iter__(self) -> Iterator[Batch]:
        number, workers = _worker()
        shard = self.shard.within(number, workers)
        for batch in _ahead(self._epoch(shard, self.epoch, self._given)):
            self._given += 1
            yield batch
        self.epoch, self._given = self.epoch + 1, 0

    def _batches(self, shard: Shard) -> int:
        rows = int(self._counts.sum())
        if shard.of == 1:
            return -(-rows // self.batch_size)
        return rows // (self.batch_size * shard.of)

    def _order(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """The fragments of each window, in the order in which windows come."""
        order = np.flatnonzero(self._counts)
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        windows, start, rows = [], 0, 0
        for place, fragment in enumerate(order):
            rows += self._counts[fragment]
            if rows >= self.window:
                windows.append(order[start : place + 1])
                start, rows = place + 1, 0
        return [*windows, order[start:]] if start < len(order) else windows

    def _epoch(self, shard: Shard, epoch: int, given: int) -> Iterator[Batch]:
        """This shard's batches but for the first `given`: of all batches in a row, each `of`-th one from the shard's number on."""
        wanted = [shard.number + n * shard.of for n in range(given, self._batches(shard))]
        windows = self._order(epoch)
        ends = np.cumsum([self._counts[fragments].sum() for fragments in windows])
        held: tuple[int, dict[str, Any]] | None = None
        for batch in wanted:
            start, stop = batch * self.batch_size, min((batch + 1) * self.batch_size, int(ends[-1]))
            parts = []
            first = int(np.searchsorted(ends, start, side="right"))
            for place in range(first, int(np.searchsorted(ends, stop - 1, side="right")) + 1):
                if held is None or held[0] != place:
                    held = place, self._decoded(windows[place], epoch, place)
                begins = int(ends[place - 1]) if place else 0
                parts.append(_cut(held[1], max(start - begins, 0), min(stop, int(ends[place])) - begins))
            yield _joined(parts)

    def _decoded(self, fragments: npt.NDArray[np.int64], epoch: int, place: int) -> dict[str, Any]:
        """A window's columns as arrays, and the order of its rows."""
        dataset = ds.FileSystemDataset(
            [self._fragments[n] for n in sorted(fragments)], self.rows.schema, self._fragments[0].format, self._fragments[0].filesystem
        )
        table = dataset.to_table(columns=self.columns, filter=self.where)
        found = {name: array_of(table[name]) for name in self.columns}
        order = np.arange(len(table))
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch, place)).permutation(order)
        return {"order": order, "columns": found}


def _rows_of(fragment: Any) -> int:
    return sum(group.num_rows for group in fragment.row_groups)


def _worker() -> tuple[int, int]:
    """This worker of torch's DataLoader and how many there are; 0 of 1 outside of one."""
    about = torch.utils.data.get_worker_info()
    return (about.id, about.num_workers) if about is not None else (0, 1)


def _cut(window: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
    places = window["order"][start:stop]
    return {
        name: values[places] if isinstance(values, np.ndarray) else values.take(pa.array(places))
        for name, values in window["columns"].items()
    }


def _joined(parts: Sequence[dict[str, Any]]) -> Batch:
    found: Batch = {}
    for name, value in parts[0].items():
        if isinstance(value, np.ndarray):
            found[name] = torch.from_numpy(value if len(parts) == 1 else np.concatenate([part[name] for part in parts]))
        else:
            found[name] = [one for part in parts for one in part[name].to_pylist()]
    return found


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, made by another thread some batches ahead; what it raises is raised here."""
    made: queue.Queue[Any] = queue.Queue(AHEAD)
    left = threading.Event()

    def put(one: Any) -> bool:
        while not left.is_set():
            try:
                made.put(one, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for batch in batches:
                if not put((batch, None)):
                    return
            put((None, None))
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are taken
            put((None, error))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            batch, error = made.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield batch
    finally:
        left.set()
