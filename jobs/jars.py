"""The jars of Delta, and of S3 where the warehouse is there: fetched once from a Maven repository, checked by hash, given to Spark by path
afterwards. Standard library only."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from xml.etree import ElementTree

from jobs.errors import PinlakeError, UsageError

CENTRAL = "https://repo1.maven.org/maven2"
_TRIES = 3
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Jar:
    """One artefact of Maven Central and the sha256 of its bytes."""

    artifact: str
    version: str
    sha256: str
    group: str = "io.delta"

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where a Maven repository keeps it, relative to its root."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


# What delta-spark for Spark 4.1 declares and Spark does not bring itself. Plain tables are written and read with the first two alone.
JARS = (
    Jar("delta-spark_4.1_2.13", "4.4.0", "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10"),
    Jar("delta-storage", "4.4.0", "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"),
    Jar("delta-kernel-api", "4.4.0", "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11"),
    Jar("delta-kernel-defaults", "4.4.0", "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b"),
    Jar("delta-kernel-unitycatalog", "4.4.0", "cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa"),
)
S3A = (
    Jar("hadoop-aws", "3.4.2", "d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9", "org.apache.hadoop"),
    Jar("bundle", "2.29.52", "62638f33045690c6bc5e496b54b0b2e89a9ad38cbedacdf6e017fea6bc85f55c", "software.amazon.awssdk"),
)
"""What a warehouse at s3a:// needs besides, for the Hadoop that Spark 4.1 brings: 640 MB."""
BY_PATH = "copy the jars there by hand, or name them with PINLAKE_JARS=/folder/of/jars (docs/cluster.md)"


class MissingJars(PinlakeError):
    """Jars that are not there, or could not be fetched; the message says what to type."""


def needed(warehouse: str) -> tuple[Jar, ...]:
    """The jars that tables at this place need."""
    return (*JARS, *S3A) if warehouse.startswith("s3a:") else JARS


def faults(cache: Path, jars: tuple[Jar, ...] = JARS) -> list[str]:
    """What is wrong with the cached jars, one line a jar; empty where all are there and their hashes are right."""
    found = []
    for jar in jars:
        file = cache / jar.name
        if not file.is_file():
            found.append(f"{jar.name} is missing")
        elif sha256(file) != jar.sha256:
            found.append(f"{jar.name} is not the pinned file (its sha256 differs)")
    return found


def paths(given: tuple[str, ...], cache: Path, jars: tuple[Jar, ...] = JARS) -> tuple[str, ...]:
    """Paths or URIs of the jars for Spark: those given (a folder stands for its jars), else the cached ones, else MissingJars."""
    if not given:
        missing = [jar.name for jar in jars if not (cache / jar.name).is_file()]
        if missing:
            raise MissingJars(f"no {', '.join(missing)} in {cache}: type `pinlake doctor --fetch`, or {BY_PATH}")
        return tuple(str(cache / jar.name) for jar in jars)
    found: list[str] = []
    for text in given:
        path = Path(text)
        inside = sorted(str(p) for p in path.glob("*.jar")) if path.is_dir() else []
        if not inside and "://" not in text and not path.is_file():
            raise MissingJars(f"{text}: neither a jar nor a folder that holds jars (setting `jars`)")
        found += inside or [text]
    for jar in found:
        if "," in jar:
            raise UsageError(f"{jar}: Spark cannot take a jar whose path holds a comma; move it")
    return tuple(found)


def fetch(
    cache: Path,
    repository: str | None = None,
    jars: tuple[Jar, ...] = JARS,
    local: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """The cached jars, each copied from the local Maven repository or downloaded where missing; MissingJars where that fails."""
    local = Path.home() / ".m2" / "repository" if local is None else local
    root = (repository or maven_mirror() or CENTRAL).rstrip("/")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for jar in jars:
            if not faults(cache, (jar,)):
                continue
            near = local / jar.path
            if near.is_file() and sha256(near) == jar.sha256:
                _keep(near.read_bytes(), jar, cache, str(near))
            else:
                say(f"fetching {jar.name}")
                _keep(_downloaded(f"{root}/{jar.path}"), jar, cache, _shown(root))
    except OSError as e:
        raise MissingJars(f"the jars cannot be kept in {cache}: {e}; name another folder with PINLAKE_JARS_CACHE") from None
    return [cache / jar.name for jar in jars]


def maven_mirror(settings: Path | None = None) -> str | None:
    """URL of the mirror of Maven Central that the user's Maven settings name; None where there is none."""
    file = Path.home() / ".m2" / "settings.xml" if settings is None else settings
    if not file.is_file():
        return None
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, OSError) as e:
        raise MissingJars(f"{file} cannot be read: {e}; or name a repository with PINLAKE_MAVEN_REPOSITORY") from None
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        of, url = mirror.findtext("{*}mirrorOf", ""), mirror.findtext("{*}url", "")
        if url.startswith("http") and {"*", "external:*", "central"} & {part.strip() for part in of.split(",")}:
            return url.strip()
    return None


def sha256(file: Path) -> str:
    """Hexadecimal sha256 of the file's bytes."""
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _keep(content: bytes, jar: Jar, cache: Path, source: str) -> None:
    """Nothing; the content is in the cache under the jar's name, whole or not at all. MissingJars where its hash is wrong."""
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise MissingJars(f"{jar.name} from {source} is not the pinned file (its sha256 differs): nothing was kept; {BY_PATH}")
    # Another process may fetch the same jar: each writes its own file, and the last rename wins with equal bytes.
    unfinished = cache / f".{jar.name}.{os.getpid()}"
    try:
        unfinished.write_bytes(content)
        unfinished.replace(cache / jar.name)
    finally:
        unfinished.unlink(missing_ok=True)


def _downloaded(url: str) -> bytes:
    """The body at the URL, through the proxies and certificates of the environment; MissingJars says why there is none."""
    request = _request(url)
    reason = ""
    for attempt in range(_TRIES):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return b"".join(iter(lambda: response.read(_CHUNK), b""))
        except urllib.error.HTTPError as e:
            reason = f"HTTP {e.code}"
            if e.code < 500 and e.code != 429:
                break
        except (OSError, ValueError) as e:
            reason = str(e)
        if attempt + 1 < _TRIES:
            time.sleep(2**attempt)
    raise MissingJars(
        f"{_shown(url)} cannot be fetched ({reason}). Set the proxy (HTTPS_PROXY), the certificates (SSL_CERT_FILE) or a "
        f"mirror of Maven Central (PINLAKE_MAVEN_REPOSITORY=https://...); without internet, {BY_PATH}"
    )


def _request(url: str) -> urllib.request.Request:
    """The request for a URL; a user and password in it become a header, as urllib does not do that itself."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "file"):
        raise UsageError(f"{_shown(url)}: a Maven repository is an http, https or file URL (PINLAKE_MAVEN_REPOSITORY)")
    request = urllib.request.Request(_shown(url), headers={"User-Agent": "pinlake"})
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    return request


def _shown(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
