"""Models on this machine: folders named by their content, whole or not at all, verified when they are used. Standard library only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models import sources
from models.checks import check
from models.specs import ModelError, Spec, parse

Stamps = dict[str, list[int]]
"""Size and time of change of each file, by relative name."""
_UNFINISHED = ".new-"
_STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Stored:
    """A model in the store: the spec that it was asked by, the hash over its files, and the folder that holds them."""

    spec: str
    content_hash: str
    folder: Path


class ModelStore:
    """Model folders below one folder: `<hash>/` the files, `<hash>.json` their stamps, `specs/` which spec gave which hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolved(self, text: str, content_hash: str | None = None, say: Callable[[str], None] = lambda line: None) -> Stored:
        """The model of the spec, fetched and converted where it is not here yet; ModelError where it is not the one with that hash."""
        spec = parse(text)
        try:
            return self._resolved(spec, content_hash, say)
        except ModelError as error:
            raise ModelError(f"{spec}: {error}" if str(spec) not in str(error) else str(error)) from error
        except OSError as error:
            raise ModelError(
                f"{spec} cannot be kept in {self.folder}: {error}; free some space, or name another folder with PINLAKE_MODELS_CACHE"
            ) from error

    def known(self, text: str) -> str | None:
        """The hash of the model that the spec gave, None where it is not here; nothing is fetched, and its files are not read."""
        spec = parse(text)
        try:
            found = self._indexed(spec)
        except ModelError:  # its folder is gone: what it held is not known any more
            return None
        return found if found is not None and (self.folder / found[:16]).is_dir() else None

    def _resolved(self, spec: Spec, promoted: str | None, say: Callable[[str], None]) -> Stored:
        found = promoted if promoted and (self.folder / promoted[:16]).is_dir() else self._indexed(spec)
        if found is None or not (self.folder / found[:16]).is_dir():
            found = self._filled(spec, say)
        if promoted is not None and found != promoted:
            raise ModelError(
                f"{spec} now holds other bytes than when it was promoted (sha256 {found[:16]}..., promoted {promoted[:16]}...): "
                f"bring the promoted ones back, or promote it anew"
            )
        return Stored(str(spec), found, self._verified(found))

    def _filled(self, spec: Spec, say: Callable[[str], None]) -> str:
        """The hash of the model, whose files are in the store afterwards: all of them, or none."""
        (self.folder / "specs").mkdir(parents=True, exist_ok=True)
        self._sweep()
        identity = sources.identity(spec)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            sources.fill(spec, unfinished, self.folder, say)
            check(unfinished)
            found = content_hash(unfinished)
            if not (self.folder / found[:16]).exists():
                _readable(unfinished)
                # Another process may bring the same bytes: a rename onto a folder that is not empty fails, and either will do.
                _renamed(unfinished, self.folder / found[:16])
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._verified(found)
        _write(self._index(identity), {"spec": str(spec), "content_hash": found})
        return found

    def _verified(self, found: str) -> Path:
        """The folder with that hash. Files are read only where their sizes or times are not those of the last time."""
        folder, record = self.folder / found[:16], self.folder / f"{found[:16]}.json"
        now = stamps(folder)
        if _read(record) == {"content_hash": found, "files": now}:
            return folder
        really = content_hash(folder)
        if really != found:
            raise ModelError(
                f"{folder} was changed after it was stored (sha256 {really[:16]}..., not {found[:16]}...): remove it and run again"
            )
        _write(record, {"content_hash": found, "files": now})
        return folder

    def _indexed(self, spec: Spec) -> str | None:
        """The hash that the spec gave the last time; None where it was never asked, or where its source has changed since."""
        found = _read(self._index(sources.identity(spec)))
        return str(found["content_hash"]) if isinstance(found, dict) else None

    def _index(self, identity: str) -> Path:
        return self.folder / "specs" / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"

    def _sweep(self) -> None:
        """Removes what killed processes left more than a day ago."""
        for left in self.folder.glob(f"{_UNFINISHED}*"):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def content_hash(folder: Path) -> str:
    """sha256 over the sorted relative names and the sha256 of the bytes of all files, hex."""
    whole = hashlib.sha256()
    for name in sorted(stamps(folder)):
        with (folder / name).open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def stamps(folder: Path) -> Stamps:
    """Size in bytes and time of change in ns of every file below the folder."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_dir():
            status = file.stat()
            found[file.relative_to(folder).as_posix()] = [status.st_size, status.st_mtime_ns]
    return found


def _readable(folder: Path) -> None:
    """Nothing; all may read the folder: executors may be other users than whoever fetched it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _renamed(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _read(file: Path) -> object:
    """The JSON in the file; None where there is none, or it is cut: it is a cache of what can be computed."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _write(file: Path, content: object) -> None:
    """Nothing; the file holds the content, whole."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    unfinished.replace(file)
