"""Which numbers a model runs with: timed once for a machine and a model, kept, and never at the price of other answers.

The same encoder ran five times faster in bf16 than in fp32 on one processor (AMX) and four times slower on another (AVX2 only), so the
fastest is found by a probe, not by a default.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.contract import PRECISIONS
from udfs.engine.task import Asking, Task

ROUNDS = 3
LONG = 1.0
"""Seconds from which one round is enough. A first one costs a little more: of a teacher in fp32 6.1 s, and then 5.1 to 5.7; in bf16 2.6."""
FASTER = 1.1
"""How much faster than a more exact precision another must be: below it the difference is noise, and exact numbers are worth it."""
CLOSE = 0.02
"""How far answers may be from those in fp32: 1 - cosine of vectors, the difference of numbers; texts must be equal."""
CLOSE_PROBABILITIES = 0.05
"""How far any one of several probabilities may be from that in fp32."""

_kept: dict[str, str] = {}


def chosen(asking: Asking, device: str, sample: Sequence[pa.Array]) -> str:
    """The precision that is asked for; for `auto` the candidate that is fastest on this machine and whose answers hold.

    `sample`: input columns that the probe asks about. The outcome is kept by model, machine, threads and versions in the asking's
    `probe_cache`; workers that start at once wait for the first one's probe.
    """
    if found := known(asking, device):
        return found
    key = _key(asking, device)
    with _file(asking.probe_cache, key) as file:
        outcome = _read(file) or probed(asking, device, asking.candidates, sample)
        if file:
            file.write_text(json.dumps(outcome, indent=1))
        _kept[key] = str(outcome["precision"])
    return _kept[key]


def known(asking: Asking, device: str) -> str | None:
    """The precision where no probe is needed to choose it, or one was made before; else None."""
    if asking.precision != "auto":
        return asking.precision
    if len(can := possible(asking.candidates, device)) == 1:
        return can[0]
    key = _key(asking, device)
    if key not in _kept:
        with _file(asking.probe_cache, key) as file:
            if outcome := _read(file):
                _kept[key] = str(outcome["precision"])
    return _kept.get(key)


def _read(file: Path | None) -> dict[str, object]:
    """The outcome that a file keeps; empty where there is none."""
    return json.loads(file.read_text()) if file and file.exists() and file.stat().st_size else {}


def probed(asking: Asking, device: str, candidates: Sequence[str], sample: Sequence[pa.Array]) -> dict[str, object]:
    """What a probe found: `precision`, and by candidate the seconds of a round and whether its answers hold against fp32's."""
    exact: pa.Array | None = None
    found: dict[str, dict[str, float | bool]] = {}
    for precision in ("fp32", *(one for one in PRECISIONS if one in possible(candidates, device) and one != "fp32")):
        task = asking.load(device, precision)
        answers, seconds = _timed(task, sample)
        exact = answers if exact is None else exact
        found[precision] = {"seconds": seconds, "holds": close(exact, answers)}
        del task
    best = "fp32"
    for precision, one in found.items():  # the most exact first
        if one["holds"] and float(one["seconds"]) * FASTER <= float(found[best]["seconds"]):
            best = precision
    return {"precision": best, "probe": found}


def possible(candidates: Sequence[str], device: str) -> tuple[str, ...]:
    """The candidates that the device can run: int8 is for CPUs (models/int8.py)."""
    return tuple(one for one in candidates if one != "int8" or device == "cpu")


def _timed(task: Task, sample: Sequence[pa.Array]) -> tuple[pa.Array, float]:
    """The answers, and the fewest seconds of some rounds."""
    prepared = task.prepare(sample)
    places = np.array([p for p in range(len(sample[0])) if p not in prepared.refused], dtype=np.int64)
    batch = task.batch(prepared.items, places)
    taken: list[float] = []
    while not taken or (len(taken) <= ROUNDS and max(taken) < LONG):
        started = time.perf_counter()
        answers = task.run(batch)
        taken.append(time.perf_counter() - started)
    return answers, min(taken)


def close(exact: pa.Array, other: pa.Array) -> bool:
    """Whether answers in another precision may stand for the exact ones."""
    if pa.types.is_fixed_size_list(exact.type) or pa.types.is_list(exact.type):
        a, b = (np.asarray(x.flatten(), dtype=np.float64).reshape(len(x), -1) for x in (exact, other))
        if len(a) and (a >= 0).all() and np.abs(a.sum(axis=1) - 1).max() < 1e-3:  # probabilities
            return bool(np.abs(a - b).max() <= CLOSE_PROBABILITIES)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosine = (a * b).sum(axis=1) / np.maximum(lengths, 1e-12)
        return bool(len(a) == 0 or (1 - cosine).max() <= CLOSE)
    if pa.types.is_floating(exact.type):
        return bool(len(exact) == 0 or np.abs(np.asarray(exact) - np.asarray(other)).max() <= CLOSE)
    return bool(pc.all(pc.equal(exact, other)).as_py() is not False)


def _key(asking: Asking, device: str) -> str:
    """A hash over all that a probe's outcome depends on."""
    import torch

    about: Mapping[str, object] = {
        "loader": asking.loader,
        "model": asking.content_hash,
        "options": dict(asking.options),
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": asking.plan.threads,
        "candidates": list(asking.candidates),
        "torch": torch.__version__,
        "processor": _processor(),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _processor() -> str:
    """The processor's name and abilities, as Linux tells them; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(sorted({line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags", "Features"))}))


@contextlib.contextmanager
def _file(folder: str, key: str) -> Iterator[Path | None]:
    """The file that keeps an outcome, locked for this process; None where nothing is kept."""
    if not folder:
        yield None
        return
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    lock = os.open(where / f"{key}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process, however it ends
        yield where / f"{key}.json"
    finally:
        os.close(lock)
