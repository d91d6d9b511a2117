"""From a Delta table to shuffled tensors, without Spark or Java: what a trainer reads.

The rows of a version come in an order that depends on the seed and the epoch alone: row groups are shuffled, some of them at a time make a
window, and the rows of a window are shuffled. Batches are consecutive parts of that order, ranks and workers have consecutive runs of
batches. So each reads no more than its share, and a killed epoch is taken up by reading no more than the window in which it stopped.

An epoch is one scan, whose threads decode the row groups that come next while another thread puts each decoded row at its place in the
window: one copy of a row, of which the batches are views.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
READ_ROWS, READ_AHEAD = 32_768, 1
"""Rows that come from the scan at a time, and how many times so many it decodes ahead in a row group: what was decoded is to be put at its
place while it is in the processor's caches."""
ROW_GROUPS = min(pa.cpu_count(), 4)
"""Row groups that are decoded at the same time."""


@dataclass(frozen=True)
class Shard:
    """One of so many equal parts: of one rank, or of one worker of a rank."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"shard {self.number} of {self.of}: number them from 0")

    def within(self, batches: range) -> range:
        """This part of consecutive batches."""
        return batches[len(batches) * self.number // self.of : len(batches) * (self.number + 1) // self.of]


def delta(path: str | Path, version: int | None = None) -> ds.Dataset:
    """The files of a Delta table at a version, the newest where none is named, as a dataset; raises what `deltalake` raises.

    Those of this machine are read by pyarrow itself, which workers that are forked may do; of a bucket, workers must be spawned.
    """
    from deltalake import DeltaTable

    folder = Path(path)
    local = fs.SubTreeFileSystem(str(folder.absolute()), fs.LocalFileSystem(use_mmap=True)) if folder.is_dir() else None
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
        return len(self._batches())

    def state_dict(self) -> dict[str, int]:
        """Where the loader stands: the epoch, and how many of its batches were given. Of a loader that is iterated over in this process."""
        return {"epoch": self.epoch, "given": self._given}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """The next iteration goes on where `state_dict` was taken."""
        self.epoch, self._given = state["epoch"], state["given"]

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._epoch(_worker().within(self._batches())[self._given :]):
            self._given += 1
            yield batch
        self.epoch, self._given = self.epoch + 1, 0

    def _batches(self) -> range:
        """The numbers of this rank's batches, over all of its workers."""
        rows = int(self._counts.sum())
        if self.shard.of == 1:
            return range(-(-rows // self.batch_size))
        return self.shard.within(range(rows // (self.batch_size * self.shard.of) * self.shard.of))

    def _order(self) -> list[npt.NDArray[np.int64]]:
        """The row groups of each window, in the order in which windows come."""
        order = np.flatnonzero(self._counts)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        windows, start, rows = [], 0, 0
        for place, fragment in enumerate(order):
            rows += self._counts[fragment]
            if rows >= self.window:
                windows.append(order[start : place + 1])
                start, rows = place + 1, 0
        return [*windows, order[start:]] if start < len(order) else windows

    def _epoch(self, batches: range) -> Iterator[Batch]:
        """These batches, cut from the windows that hold them."""
        if not batches:
            return
        windows = self._order()
        ends = np.cumsum([self._counts[fragments].sum() for fragments in windows])
        at, stop = batches.start * self.batch_size, min(batches.stop * self.batch_size, int(ends[-1]))
        first, last = np.searchsorted(ends, [at, stop - 1], side="right")
        parts: list[Batch] = []
        for end, window in zip(ends[first:], _ahead(self._windows(windows, int(first), int(last))), strict=False):
            begins = int(end) - window.rows
            while at < min(stop, end):
                upto = min((at // self.batch_size + 1) * self.batch_size, stop, int(end))
                parts.append(window.cut(at - begins, upto - begins))
                at = upto
                if at == stop or at % self.batch_size == 0:
                    yield _joined(parts)
                    parts = []

    def _windows(self, windows: list[npt.NDArray[np.int64]], first: int, last: int) -> Iterator[_Window]:
        """The windows from the first to the last, filled by one scan."""
        wanted = windows[first : last + 1]
        fragments = [self._fragments[n] for window in wanted for n in window]
        scan = ds.FileSystemDataset(fragments, self.rows.schema, fragments[0].format, fragments[0].filesystem).to_batches(
            columns=self.columns,
            filter=self.where,
            batch_size=READ_ROWS,
            batch_readahead=READ_AHEAD,
            fragment_readahead=ROW_GROUPS,
        )
        widths: dict[str, int] = {}
        rest: pa.RecordBatch | None = None
        for place, window in enumerate(wanted, first):
            rows = int(self._counts[window].sum())
            luck = np.random.default_rng((self.seed, self.epoch, place))
            filling = _Window(self.columns, luck.permutation(rows) if self.shuffle else np.arange(rows), widths)
            while filling.filled < rows:
                read = rest if rest is not None else next(scan)
                free = rows - filling.filled
                rest = read.slice(free) if len(read) > free else None
                filling.fill(read.slice(0, free))
            yield filling.whole()


class _Window:
    """Rows that are shuffled together. `places`: where the n-th row that is read comes to stand; `widths`: of the vectors seen so far."""

    def __init__(self, names: Sequence[str], places: npt.NDArray[np.int64], widths: dict[str, int]) -> None:
        self.names, self.places, self.widths, self.rows = names, places, widths, len(places)
        self.filled = 0
        self.arrays: dict[str, npt.NDArray[Any]] = {}
        self.others: dict[str, Any] = {}

    def fill(self, read: pa.RecordBatch) -> None:
        """Puts the next rows at their places."""
        places = self.places[self.filled : self.filled + len(read)]
        for name in self.names:
            values = array_of(read[name], self.widths.get(name))
            if not isinstance(values, np.ndarray):
                self.others.setdefault(name, []).append(values)
            elif values.shape[1:] != (0,):  # else all are null and no vector was seen: nan already, or once there is room
                _items(self._room(name, values))[places] = _items(values)
        self.filled += len(read)

    def _room(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The window's array of a column, of a type that holds these values too."""
        room = self.arrays.get(name)
        if room is None:
            shape = (self.rows, *values.shape[1:])
            room = np.full(shape, np.nan, values.dtype) if self.filled else np.empty(shape, values.dtype)
            if values.ndim == 2:
                self.widths[name] = values.shape[1]
        elif room.dtype != values.dtype:
            room = room.astype(np.result_type(room, values))
        self.arrays[name] = room
        return room

    def whole(self) -> _Window:
        """The window with its texts in order too, once all rows are read."""
        order = pa.array(np.argsort(self.places))
        self.others = {name: pa.chunked_array(chunks).combine_chunks().take(order) for name, chunks in self.others.items()}
        return self

    def cut(self, start: int, stop: int) -> Batch:
        """Consecutive rows: arrays are views of the window's, all else parts of Arrow's."""
        none = np.zeros((self.rows, 0), np.float32)
        return {
            name: self.others[name][start:stop] if name in self.others else self.arrays.get(name, none)[start:stop] for name in self.names
        }


def _items(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows as one item each, (n,), which numpy moves faster than rows of numbers."""
    return values.view(np.dtype((np.void, values.shape[1] * values.itemsize)))[:, 0] if values.ndim == 2 else values


def _joined(parts: Sequence[Batch]) -> Batch:
    """A batch of its parts, which are several where it lies across windows."""
    found: Batch = {}
    for name, value in parts[0].items():
        if isinstance(value, np.ndarray):
            found[name] = torch.from_numpy(value if len(parts) == 1 else np.concatenate([part[name] for part in parts]))
        else:
            found[name] = [one for part in parts for one in part[name].to_pylist()]
    return found


def _rows_of(fragment: Any) -> int:
    return sum(group.num_rows for group in fragment.row_groups)


def _worker() -> Shard:
    """This worker of torch's DataLoader, or the only one."""
    about = torch.utils.data.get_worker_info()
    return Shard(about.id, about.num_workers) if about is not None else Shard()


def _ahead(windows: Iterator[_Window]) -> Iterator[_Window]:
    """The same windows; while one is read, another thread fills the next."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, windows, None)
        while (window := following.result()) is not None:
            following = pool.submit(next, windows, None)
            yield window
