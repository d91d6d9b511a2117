"""Files that rows name instead of holding their bytes: read where a root allows it, and nowhere else."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from pyarrow import fs

_LONGEST_URI = 2_048
# What a file can be guilty of. Any other error is the storage's: the task fails, and Spark tries it again.
_ABOUT_THE_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}


def check_root(root: str) -> None:
    """Nothing; ValueError where a root is no absolute path or address of a folder."""
    scheme, mark, path = root.partition("://")
    rest = path if mark else root.removeprefix("/")
    if (not mark and not root.startswith("/")) or (mark and (not scheme or scheme in ("http", "https"))) or not _plain(rest.strip("/")):
        raise ValueError(f"{root!r} is no root of files: give an absolute path, or an address such as s3://bucket/folder, without '..'")


@dataclass
class Files:
    """The files under some roots (absolute paths or addresses that pyarrow.fs knows), none of more than `most_bytes`."""

    roots: tuple[str, ...]
    most_bytes: int
    _systems: dict[str, tuple[fs.FileSystem, str]] = field(default_factory=dict)

    def read(self, uri: str) -> bytes | str:
        """The bytes of the file that the uri names under one of the roots, spelt as the root is; or the reason for none.

        The uri itself is never opened: what stands behind the root is looked up in the root's own file system.
        """
        root = next((root for root in self.roots if uri.startswith(root.rstrip("/") + "/")), None)
        if root is None:
            return "the image is not in the row, and its uri is outside the param uri_roots"
        rest = uri[len(root.rstrip("/")) + 1 :]
        if len(uri) > _LONGEST_URI or not _plain(rest):
            return "the uri is not a plain path"
        try:
            system, folder = self._system(root)
            path = _resolved(system, folder, rest)
            return "the uri leads out of the param uri_roots" if path is None else self._content(system, path)
        except OSError as error:
            if error.errno not in _ABOUT_THE_FILE:
                raise
            return f"the file of the uri cannot be read ({errno.errorcode[error.errno]})"

    def _system(self, root: str) -> tuple[fs.FileSystem, str]:
        """The file system of a root and its path there."""
        if root not in self._systems:
            self._systems[root] = fs.FileSystem.from_uri(root)
        return self._systems[root]

    def _content(self, system: fs.FileSystem, path: str) -> bytes | str:
        """The bytes of a file, or the reason for none."""
        # Pipes and devices are no files: to open one may wait for ever.
        if system.get_file_info(path).type is not fs.FileType.File:
            return "the uri names no file"
        with system.open_input_stream(path) as stream:
            content = bytes(stream.read(self.most_bytes + 1))
        return content if len(content) <= self.most_bytes else f"the image is larger than {self.most_bytes} bytes"


def _plain(path: str) -> bool:
    """True for a path without parts that mean another folder, and without control characters."""
    return path.isprintable() and not any(part in ("", ".", "..") for part in path.split("/"))


def _resolved(system: fs.FileSystem, folder: str, rest: str) -> str | None:
    """The path of the file with its links followed; None where that is outside the folder. Only local files have links."""
    if not isinstance(system, fs.LocalFileSystem):
        return f"{folder.rstrip('/')}/{rest}"
    within = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(within, rest))
    return path if os.path.commonpath((within, path)) == within else None
