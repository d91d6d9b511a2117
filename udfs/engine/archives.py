"""How an executor finds the files of a model: by a path that it shares with the driver, or in an archive that Spark sent to it."""

from __future__ import annotations

from pyspark import SparkFiles

SENT = "archive:"
"""Begins a place that names an archive which Spark unpacks on every executor; other places are paths."""


def local_folder(place: str) -> str:
    """The path, on this machine, of the folder at the place."""
    return SparkFiles.get(place.removeprefix(SENT)) if place.startswith(SENT) else place
