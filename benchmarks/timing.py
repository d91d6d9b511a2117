"""Pairs of runs, timed in turn, and what is written down of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCALE = float(os.environ.get("PINLAKE_BENCH_SCALE", "1"))
"""A share of the rows of every benchmark, to see that it works."""
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Ratio:
    """The median over pairs of a's time to b's, and half the distance between the quartiles of the pairs' ratios."""

    name: str
    ratio: float
    spread: float
    unit: str
    pairs: int
    a_seconds: float
    b_seconds: float
    limit: str

    @classmethod
    def of(cls, name: str, ratios: list[float], limit: str, a_seconds: float = 0.0, b_seconds: float = 0.0) -> Ratio:
        """The median of ratios that were measured one by one, and half the distance between their quartiles."""
        quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        return cls(name, statistics.median(ratios), (quartiles[2] - quartiles[0]) / 2, "x", len(ratios), a_seconds, b_seconds, limit)

    def line(self) -> str:
        """`name ratio spread unit`."""
        return f"{self.name} {self.ratio:.2f} {self.spread:.2f} {self.unit}"


def ratio(name: str, a: Callable[[int], object], b: Callable[[int], object], limit: str, pairs: int = 7, warm: int = 2) -> Ratio:
    """Times a(n) and b(n) in turn for n = 0 .. pairs - 1, after `warm` pairs that do not count; says each on stderr."""
    first, second = rounds({f"{name}, a": a, "b": b}, pairs, warm).values()
    return between(name, first, second, limit)


def rounds(runs: Mapping[str, Callable[[int], object]], pairs: int, warm: int) -> dict[str, list[float]]:
    """Seconds of each run by name, taken in turn for n = 0 .. pairs - 1 after `warm` rounds that do not count; says each on stderr."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for n in range(-warm, pairs):
        for name, one in runs.items():
            times[name].append(seconds(lambda one=one, n=n: one(n)))  # type: ignore[misc]
        told = "; ".join(f"{name}: {taken[-1]:.1f} s" for name, taken in times.items())
        progress(f"{told}{'' if n >= 0 else ', to warm up'}")
    return {name: taken[warm:] for name, taken in times.items()}


def progress(line: str) -> None:
    """Says on stderr how far a benchmark is."""
    print(f"  {line}", file=sys.stderr, flush=True)


def between(name: str, a: Sequence[float], b: Sequence[float], limit: str) -> Ratio:
    """The ratio of the seconds of two runs of the same rounds."""
    return Ratio.of(name, [x / y for x, y in zip(a, b, strict=True)], limit, statistics.median(a), statistics.median(b))


def seconds(run: Callable[[], object]) -> float:
    """How long it took."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def exact(name: str, value: float, limit: str) -> Ratio:
    """A ratio that was counted, or measured once."""
    return Ratio.of(name, [value], limit)


def processor() -> dict[str, object]:
    """What it calls itself, and which of the instructions that decide about precisions it has; where Linux tells."""
    cpu = Path("/proc/cpuinfo")
    lines = (line.partition(":") for line in (cpu.read_text().splitlines() if cpu.exists() else ()))
    told = {name.strip(): value.strip() for name, _, value in lines}
    has = set(told.get("flags", "").split())
    return {
        "processor": told.get("model name") or platform.processor() or platform.machine(),
        "instructions": [one for one in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if one in has],
    }


def keep(name: str, ratios: list[Ratio], about: dict[str, object]) -> None:
    """Writes the ratios of a benchmark, what it ran on and its sizes as JSON; nothing of a part of the rows."""
    if SCALE != 1:
        return
    RESULTS.mkdir(exist_ok=True)
    machine = {**processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    told = {"machine": machine, **about, "ratios": [asdict(r) for r in ratios]}
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
