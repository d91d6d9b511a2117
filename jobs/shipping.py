"""The code that executors run, as one zip of our packages. Standard library only."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path

PACKAGES = ("schemas", "features", "models", "udfs", "jobs")
# The earliest date a zip can hold: equal code gives equal bytes, so that executors and caches know it again.
_DATE = (1980, 1, 1, 0, 0, 0)


def code_zip(folder: Path, packages: tuple[str, ...] = PACKAGES) -> Path:
    """A zip of the packages in the folder, named by its content; works where they are themselves imported from a zip."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in packages:
            for name, file in _files(package, files(package)):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    path = folder / f"pinlake-{hashlib.sha256(content.getvalue()).hexdigest()[:12]}.zip"
    path.write_bytes(content.getvalue())
    return path


def _files(name: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Names and files below a folder, in order of names, compiled ones left out."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(f"{name}/{entry.name}", entry)
        else:
            yield f"{name}/{entry.name}", entry
