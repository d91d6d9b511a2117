"""Failures of the machine in one line: a full disk, a file that cannot be read, a folder that cannot be written. Standard library only."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

_WORDS = {
    "no space left to write": (re.compile(r"No space left on device|Disk quota exceeded|File too large"), "free some, then"),
    "no permission": (re.compile(r"Permission denied|AccessControlException|AccessDenied"), "give this user the right, then"),
    "an input file cannot be read": (
        re.compile(
            r"is not a Parquet file|Could not read footer|FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER|DELTA_FILE_NOT_FOUND|"
            r"File does not exist|Failed to (?:read|merge)|Truncated|corrupt|Corrupt|Error while reading file"
        ),
        "restore it, or write its day anew; then",
    ),
}
_FILE = re.compile(r"(?:[a-z0-9]{2,6}:/{1,3}|/)[^\s'\"<>|]+(?: [^\s'\"<>|/]*/[^\s'\"<>|]*)*")
_ERRNO = {errno.ENOSPC: "No space left on device", errno.EDQUOT: "Disk quota exceeded", errno.EFBIG: "File too large"}


def explained(error: BaseException) -> str | None:
    """What to tell of a failure that is the machine's: what, which file, what to do; None where it may be our own mistake.

    Only names of files are repeated from messages: they may hold values of rows elsewhere.
    """
    said = list(_messages(error))
    for what, (words, way) in _WORDS.items():
        found = [text for text in said if words.search(text)]
        if found:
            files = [file for text in found for file in _FILE.findall(text)]
            named = max(files, key=lambda file: (".parquet" in file or ".json" in file, len(file)), default="")
            where = f": {named.rstrip('.,;:)')}" if named else ""
            return f"{what}{where}\n{way} give the same command again; readers see the tables as they were"
    return None


def _messages(error: BaseException) -> Iterator[str]:
    """The messages of an error and of all that caused it, in Python and in Java."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        if isinstance(one, OSError) and one.errno in _ERRNO:
            yield f"{_ERRNO[one.errno]}: {one.filename or ''}"
        yield str(one)
        java = getattr(one, "java_exception", None) or getattr(one, "_origin", None)
        for _ in range(20):
            if java is None:
                break
            yield str(java.toString())
            java = java.getCause()
        one = one.__cause__ or one.__context__
