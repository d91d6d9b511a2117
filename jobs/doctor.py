"""What this machine lacks to run the pipeline, and what to type. Starts no Spark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from jobs import jars
from jobs.describing import aligned
from jobs.errors import PinlakeError
from jobs.settings import Settings
from models.sources import connected
from models.specs import ModelError
from models.store import ModelStore

# Spark 4.1 runs on both; everything here is tested on 17.
JAVA = (17, 21)
PYTHON = (3, 11)
DISK_GIB = 5
_GIB = 1 << 30
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^;\s]+)$")


@dataclass(frozen=True)
class Check:
    """One thing that is needed: whether it is there, what was found, and what to type where it is missing, or there but low."""

    name: str
    ok: bool
    found: str
    fix: str = ""

    @property
    def state(self) -> str:
        """`ok`, `low` where it is there but more would be better, or `MISSING`."""
        return "MISSING" if not self.ok else "low" if self.fix else "ok"


def report(settings: Settings) -> list[Check]:
    """All checks, in the order in which a set-up needs them."""
    return [
        python_version(),
        packages(),
        java(),
        spark_home(os.environ.get("SPARK_HOME")),
        delta_jars(settings),
        disk(settings.warehouse),
        memory(settings.driver_memory),
        models(settings),
    ]


def render(checks: list[Check]) -> str:
    """The checks as text: a line each, and below it what to type where something is missing."""
    lines = aligned([(c.state, c.name, c.found) for c in checks]).split("\n")
    for i, check in reversed(list(enumerate(checks))):
        if check.fix:
            lines.insert(i + 1, f"    -> {check.fix}")
    missing = sum(not c.ok for c in checks)
    return "\n".join([*lines, "", f"{missing} missing" if missing else "nothing is missing"])


def fetch(settings: Settings, say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)) -> None:
    """Downloads the jars and models that are missing; no jars where they are given by path. PinlakeError says why it failed.

    What was fetched before a failure stays, and is not fetched again.
    """
    if not settings.jars:
        jars.fetch(Path(settings.jars_cache), settings.maven_repository, jars.needed(settings.warehouse), say=say)
    for name, spec in connected(settings.models).items():
        try:
            ModelStore(settings.models_cache).resolved(spec, say=say)
        except ModelError as error:
            raise PinlakeError(f'{error}\nTo go without this model, write {name} = "none" under [models] in pinlake.toml') from error


def python_version(found: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether this Python is the one that all versions are pinned for."""
    wanted = ".".join(map(str, PYTHON))
    fix = f"install Python {wanted}, then: rm -rf .venv && make setup"
    return _needed("Python", found[:2] == PYTHON, f"{'.'.join(map(str, found))} ({sys.executable})", fix)


def packages(wanted: dict[str, str] | None = None) -> Check:
    """Whether the packages that are pinned to one version are installed in that version."""
    wanted = pins() if wanted is None else wanted
    wrong = [f"{name} {_installed(name) or 'is not installed'}, not {pin}" for name, pin in wanted.items() if _installed(name) != pin]
    found = "; ".join(wrong) or ", ".join(f"{name} {pin}" for name, pin in wanted.items()) or "pinlake itself is not installed"
    return _needed("packages", bool(wanted) and not wrong, found, "make setup")


def pins() -> dict[str, str]:
    """Versions by name of the packages that the installed pinlake wants in one version only."""
    try:
        found = [_PIN.match(line) for line in requires("pinlake") or []]
    except PackageNotFoundError:
        return {}
    return {match[1]: match[2] for match in found if match}


def java(home: str | None = None) -> Check:
    """Whether the Java that Spark would start is one that it runs on."""
    home = os.environ.get("JAVA_HOME") if home is None else home
    command = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    fix = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless) and, if there are several, set JAVA_HOME to its folder"
    if command is None:
        return _needed("Java", False, "no java on the PATH and no JAVA_HOME", fix)
    try:
        done = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return _needed("Java", False, f"{command} does not run: {e}", fix)
    match = re.search(r'version "(\d+)([^"]*)"', done.stderr + done.stdout)
    if match is None:
        return _needed("Java", False, f"{command} does not tell its version", fix)
    return _needed("Java", int(match[1]) in JAVA, f"{match[1]}{match[2]} ({command})", fix)


def spark_home(value: str | None) -> Check:
    """Whether a SPARK_HOME, if there is one, holds the same version as the installed PySpark."""
    installed = _installed("pyspark") or ""
    if not value:
        return _needed("Spark", bool(installed), f"PySpark {installed}" if installed else "PySpark is not installed", "make setup")
    same = bool(installed) and any(Path(value, "jars").glob(f"spark-core_2.13-{installed}.jar"))
    found = f"PySpark {installed}, SPARK_HOME {value}{'' if same else ' holds another version'}"
    return _needed("Spark", same, found, "unset SPARK_HOME")


def delta_jars(settings: Settings) -> Check:
    """Whether the Delta jars are there, and are the pinned files where they are the cached ones."""
    cache = Path(settings.jars_cache)
    if settings.jars:
        try:
            found = jars.paths(settings.jars, cache)
        except jars.MissingJars as e:
            return _needed("Delta jars", False, str(e), "give jars, or folders of jars, with PINLAKE_JARS, separated by commas")
        return _needed("Delta jars", True, f"{len(found)} given by path")
    wanted = jars.needed(settings.warehouse)
    faults = jars.faults(cache, wanted)
    return _needed("Delta jars", not faults, "; ".join(faults) or f"{len(wanted)} in {cache}", "pinlake doctor --fetch")


def models(settings: Settings) -> Check:
    """Whether the models that count before any promotion are here. Only jobs that ask one need it, so a missing one is told as `low`."""
    here = ModelStore(settings.models_cache)
    wanted = connected(settings.models)
    missing = [name for name, spec in wanted.items() if not spec.startswith("shipped:") and here.known(spec) is None]
    found = ", ".join(
        f"{name} {'is not here yet' if name in missing else 'is here'} ({spec.split(';')[0]})" for name, spec in wanted.items()
    )
    return Check("models", True, found or "none is connected", "pinlake doctor --fetch" if missing else "")


def disk(warehouse: str) -> Check:
    """Whether a local warehouse can be written and has room; a remote one is not asked."""
    if not warehouse.startswith("/"):
        return Check("disk", True, "the warehouse is not a local folder")
    folder = Path(warehouse)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / _GIB
    found = f"{free:.0f} GiB free for {warehouse}"
    fix = f"free some space ({DISK_GIB} GiB are enough for the demo), or choose another folder with PINLAKE_WAREHOUSE"
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Check("disk", False, f"{folder} cannot be written", "choose another folder with PINLAKE_WAREHOUSE")
    return Check("disk", True, found, fix if free < DISK_GIB else "")


def memory(driver: str, available: int | None = None) -> Check:
    """Whether the driver's JVM and a GiB for Python fit into the memory that is free now."""
    available = _available_memory() if available is None else available
    wanted = int(driver[:-1]) * {"k": 1 << 10, "m": 1 << 20, "g": _GIB, "t": 1 << 40}[driver[-1]]
    if available is None:
        return Check("memory", True, "cannot be read on this system")
    found = f"{available / _GIB:.1f} GiB available, the driver may take {driver}"
    fix = f"a smaller driver: export PINLAKE_DRIVER_MEMORY={_smaller(available)}"
    return Check("memory", True, found, fix if available < wanted + _GIB else "")


def _needed(name: str, ok: bool, found: str, fix: str = "") -> Check:
    """A check without anything to type where all is well."""
    return Check(name, ok, found, "" if ok else fix)


def _smaller(available: int) -> str:
    """A driver memory that leaves a GiB, at least half of one."""
    return f"{max(512, (available - _GIB) >> 20)}m"


def _available_memory() -> int | None:
    """Bytes that can be used without swapping, within the container's limit; None where the system does not tell."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        found = int(text.split("MemAvailable:")[1].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return None
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return found
    return min(found, limit)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
