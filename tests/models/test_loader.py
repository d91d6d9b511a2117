"""The trainers' loader: every row once an epoch, shuffled, in shards, and taken up in the middle."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from deltalake import write_deltalake

from models.loader import Loader, Shard, delta, parquet

ROWS, WIDTH = 10_000, 4


def table(first: int, rows: int) -> pa.Table:
    """Rows whose vector and text tell their number."""
    numbers = np.arange(first, first + rows)
    vectors = pa.array([[float(n)] * WIDTH if n % 7 else None for n in numbers], pa.list_(pa.float32()))
    split = pa.array(["train" if n % 10 else "test" for n in numbers])
    return pa.table({"n": numbers, "vector": vectors, "text": [f"t{n}" for n in numbers], "split": split, "other": numbers * 2})


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Delta table of two versions: the second has other rows."""
    folder = tmp_path_factory.mktemp("loader") / "table"
    for start in range(0, ROWS, 2_500):
        write_deltalake(str(folder), table(start, 2_500), mode="append")
    write_deltalake(str(folder), table(ROWS, 10), mode="append")
    return folder


def numbers(loader: Loader) -> list[int]:
    """The rows of an epoch, in its order."""
    return [n for batch in loader for n in batch["n"].tolist()]


def test_an_epoch_has_every_row_of_the_version_once_and_another_order_each_time(lake: Path) -> None:
    loader = Loader(delta(lake, 3), ["n"], 300, window=1_000)
    first, second = numbers(loader), numbers(loader)
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second
    again = numbers(Loader(delta(lake, 3), ["n"], 300, window=1_000))
    assert again == first, "the same seed and epoch give the same order"
    assert sum(abs(b - a) == 1 for a, b in itertools.pairwise(first)) < ROWS / 100, "rows of a window are mixed"
    assert len(numbers(Loader(delta(lake), ["n"], 300))) == ROWS + 10
    ordered = numbers(Loader(delta(lake, 3), ["n"], 300, shuffle=False))
    assert sorted(ordered) == sorted(first)
    assert sum(b - a != 1 for a, b in itertools.pairwise(ordered)) < 4, "four files, each in its order"


def test_columns_are_tensors_and_lists_of_the_same_rows(lake: Path) -> None:
    loader = Loader(delta(lake, 3), ["vector", "text", "n"], 256, window=600)
    batches = list(loader)
    assert len(batches) == len(loader) == -(-ROWS // 256)
    for batch in batches:
        assert list(batch) == ["vector", "text", "n"]
        n = batch["n"]
        assert batch["text"] == [f"t{one}" for one in n.tolist()]
        known = n % 7 != 0
        assert batch["vector"].shape == (len(n), WIDTH)
        assert batch["vector"].dtype == torch.float32
        assert (batch["vector"][known] == n[known, None]).all()
        assert batch["vector"][~known].isnan().all()


def test_rows_that_do_not_count_are_left_out(lake: Path) -> None:
    found = numbers(Loader(delta(lake, 3), ["n"], 300, where=pc.field("split") == "test", window=500))
    assert sorted(found) == list(range(0, ROWS, 10))


def test_ranks_and_workers_share_the_rows_and_have_as_many_batches_each(lake: Path) -> None:
    parts = [Loader(delta(lake, 3), ["n"], 128, rank=rank, ranks=3, window=900) for rank in range(3)]
    counts = [sum(1 for _ in part) for part in parts]
    assert counts == [len(part) for part in parts] == [ROWS // (128 * 3)] * 3
    seen = [set(numbers(Loader(delta(lake, 3), ["n"], 128, rank=rank, ranks=3, window=900))) for rank in range(3)]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 3 * 128 * counts[0]
    workers = torch.utils.data.DataLoader(Loader(delta(lake, 3), ["n"], 100), batch_size=None, num_workers=2)
    assert sorted(n for batch in workers for n in batch["n"].tolist()) == list(range(ROWS))


def test_a_rank_reads_the_windows_of_its_share_alone(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    windows = Loader._windows

    def told(loader: Loader, order: list[np.ndarray], first: int, last: int) -> Iterator[object]:
        read.extend(range(first, last + 1))
        return windows(loader, order, first, last)

    monkeypatch.setattr(Loader, "_windows", told)
    for rank in range(4):
        list(Loader(delta(lake, 3), ["n"], 125, rank=rank, ranks=4, window=2_500))
    assert sorted(read) == [0, 1, 2, 3], "four windows of 2 500 rows: each is read by one rank of 20 batches"


def test_what_is_null_or_of_another_type_in_one_file_alone_is_in_one_array(tmp_path: Path) -> None:
    vector = pa.list_(pa.float32())
    parts = [
        {"n": pa.array([1, 2]), "v": pa.array([None, None], vector), "w": pa.array([[1.0, 2.0], None], vector)},
        {"n": pa.array([3, None]), "v": pa.array([[3.0], [4.0]], vector), "w": pa.array([None, None], vector)},
        {"n": pa.array([5, 6]), "v": pa.array([None, [6.0]], vector), "w": pa.array([[5.0, 6.0], [7.0, 8.0]], vector)},
    ]
    for number, part in enumerate(parts):
        pq.write_table(pa.table(part), tmp_path / f"{number}.parquet")
    (batch,) = Loader(parquet(tmp_path), ["n", "v", "w"], shuffle=False)
    np.testing.assert_equal(batch["n"].numpy(), [1, 2, 3, np.nan, 5, 6])
    np.testing.assert_equal(batch["v"].numpy()[:, 0], [np.nan, np.nan, 3, 4, np.nan, 6])
    np.testing.assert_equal(batch["w"].numpy(), [[1, 2], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2, [5, 6], [7, 8]])
    (nothing,) = Loader(parquet(tmp_path / "0.parquet"), ["v"])
    assert nothing["v"].shape == (2, 0), "no vector tells how wide it is"


@pytest.mark.parametrize("stop", [0, 1, 7, 39])
def test_a_killed_epoch_is_taken_up_at_its_batch(lake: Path, stop: int) -> None:
    whole = Loader(delta(lake, 3), ["n", "text"], 256, window=700)
    numbers(whole)  # the second epoch is the one that is cut
    state = whole.state_dict()
    expected = list(whole)
    cut = Loader(delta(lake, 3), ["n", "text"], 256, window=700)
    cut.load_state_dict(state)
    rows = iter(cut)
    for _ in range(stop):
        next(rows)
    rest = Loader(delta(lake, 3), ["n", "text"], 256, window=700)
    rest.load_state_dict(cut.state_dict())
    found = list(rest)
    assert [batch["text"] for batch in found] == [batch["text"] for batch in expected[stop:]]
    assert rest.state_dict() == {"epoch": 2, "given": 0}


def test_what_cannot_be_read_is_told(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no column nothing; it has n, vector"):
        Loader(delta(lake), ["nothing"])
    with pytest.raises(ValueError, match="shard 3 of 3"):
        Shard(3, 3)
    mixed = pa.table({"v": pa.array([[1.0, 2.0], [1.0]])})
    pq.write_table(mixed, tmp_path / "mixed.parquet")
    with pytest.raises(ValueError, match="vectors of 1, 2 numbers"):
        next(iter(Loader(parquet(tmp_path), ["v"])))


def test_neither_spark_nor_java_is_needed(lake: Path) -> None:
    code = (
        "import sys; from models.loader import Loader, delta\n"
        f"table = delta({str(lake)!r})\n"
        "left = iter(Loader(table, ['n'], window=1))\n"
        "next(left)\n"  # an epoch that is left open ends with the process
        "print(sum(len(b['n']) for b in Loader(table, ['n'])), 'pyspark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": "/nowhere"}, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(ROWS + 10), "False"]
