"""A file of metrics for every job, in the folder that `metrics_dir` names: for node_exporter's textfile collector, or whatever reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.publication import Publication
from schemas.contract import Table

COUNTS = {
    "rows": "rows built for the days of the newest run",
    "changed": "rows of them that were written, of days that differed",
    "quarantined": "rows refused",
    "seconds": "wall time",
    "asked": "inputs that a model was asked about",
    "kept": "inputs that had an answer",
    "unusual": "lines told of days that were unusual beside those before",
}


def write(folder: Path, done: Sequence[Publication], newest: Mapping[Table, str]) -> None:
    """Replaces the file of every job that ran, each in one step. `newest`: the newest published day of its table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(one.job for one in done):
        _one(folder / f"pinlake_{name}.prom", [one for one in done if one.job == name], newest)


def _one(file: Path, done: Sequence[Publication], newest: Mapping[Table, str]) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry, last = CollectorRegistry(), done[-1]
    labels = {"job": last.job, "table": last.output.name}

    def gauge(name: str, words: str, value: float) -> None:
        Gauge(f"pinlake_{name}", words, list(labels), registry=registry).labels(**labels).set(value)

    for name, words in COUNTS.items():
        gauge(name, words, sum(_count(one, name) for one in done))
    gauge("refused", "1 where the newest run was refused by a check or by another writer, else 0", float(last.refused is not None))
    gauge("ended_timestamp_seconds", "when the newest run ended", last.started_ms / 1000 + last.seconds)
    if last.output in newest:
        day = dt.datetime.fromisoformat(newest[last.output]).replace(tzinfo=dt.UTC)
        gauge("newest_day_timestamp_seconds", "start of the newest published day, UTC: how stale a table is", day.timestamp())
    write_to_textfile(str(file), registry)


def _count(done: Publication, name: str) -> float:
    value = getattr(done, name)
    return float(len(value) if isinstance(value, tuple) else value or 0)
