from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pyarrow import fs

from udfs.images.files import Files, check_root

OUTSIDE = "the image is not in the row, and its uri is outside the param uri_roots"
NOT_PLAIN = "the uri is not a plain path"
LEADS_OUT = "the uri leads out of the param uri_roots"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder `images` beside a secret, and links that lead out of it."""
    folder = tmp_path / "images"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a b%20.png").write_bytes(b"pixels")
    (folder / "large.png").write_bytes(b"x" * 11)
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "images2").mkdir()
    (tmp_path / "images2" / "near").write_bytes(b"secret")
    (folder / "inside").symlink_to(folder / "deep")
    (folder / "outside").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    return folder


def test_a_file_is_read_below_a_root_that_allows_it_and_nowhere_else(root: Path) -> None:
    files = Files((str(root),), 10)
    cases = {
        f"{root}/deep/a b%20.png": b"pixels",
        f"{root}/inside/a b%20.png": b"pixels",
        f"{root}/large.png": "the image is larger than 10 bytes",
        f"{root}/none.png": "the uri names no file",
        f"{root}/deep": "the uri names no file",
        f"{root}/pipe": "the uri names no file",
        f"{root}/large.png/below": "the uri names no file",
        f"{root}/loop": "the uri names no file",
        f"{root}/outside/secret": LEADS_OUT,
        f"{root}/link": LEADS_OUT,
        f"{root}/../secret": NOT_PLAIN,
        f"{root}/deep/../../secret": NOT_PLAIN,
        f"{root}/./deep": NOT_PLAIN,
        f"{root}//deep": NOT_PLAIN,
        f"{root}/": NOT_PLAIN,
        f"{root}/a\0b": NOT_PLAIN,
        f"{root}/a\nb": NOT_PLAIN,
        f"{root}/{'x' * 3_000}": NOT_PLAIN,
        f"{root.parent}/secret": OUTSIDE,
        f"{root}2/near": OUTSIDE,
        f"file://{root}/large.png": OUTSIDE,
        "http://127.0.0.1:1/a.png": OUTSIDE,
        "s3://bucket/a.png": OUTSIDE,
        "": OUTSIDE,
    }
    assert {uri: files.read(uri) for uri in cases} == cases
    assert Files((), 10).read(f"{root}/large.png") == OUTSIDE


def test_an_address_and_a_folder_named_through_a_link_are_roots_too(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    for start in (f"file://{root}", f"file://{root}/", f"{tmp_path}/alias"):
        assert Files(("/somewhere", start), 10).read(f"{start.rstrip('/')}/deep/a b%20.png") == b"pixels", start


def test_a_file_that_may_not_be_read_is_refused_and_a_storage_that_is_out_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files((str(root),), 10)

    def failing(number: int) -> None:
        def opened(*_: object) -> object:
            raise OSError(number, "no")

        monkeypatch.setattr(Files, "_content", opened)

    failing(errno.EACCES)
    assert files.read(f"{root}/large.png") == "the file of the uri cannot be read (EACCES)"
    failing(errno.EIO)
    with pytest.raises(OSError, match="no"):
        files.read(f"{root}/large.png")


def test_files_of_other_systems_have_no_links_and_are_read_below_their_root() -> None:
    system, memory = fs._MockFileSystem(), Files(("s3://bucket/images",), 10)
    system.create_dir("bucket/images")
    with system.open_output_stream("bucket/images/a.png") as out:
        out.write(b"pixels")
    memory._systems["s3://bucket/images"] = (system, "bucket/images")
    assert memory.read("s3://bucket/images/a.png") == b"pixels"
    assert memory.read("s3://bucket/images/b.png") == "the uri names no file"
    assert memory.read("s3://bucket/other/a.png") == OUTSIDE


@pytest.mark.parametrize(
    "root", ["", "/", "images", "./images", "/a/../b", "http://host/images", "https://host/i", "://x", "s3://", "/a\nb"]
)
def test_what_is_no_folder_that_can_be_named_is_no_root(root: str) -> None:
    with pytest.raises(ValueError, match="is no root of files"):
        check_root(root)


@pytest.mark.parametrize(
    "root", ["/data/images", "/data/images/", "s3://bucket", "s3://bucket/images", "hdfs://name/images", "file:///data"]
)
def test_absolute_paths_and_addresses_of_folders_are_roots(root: str) -> None:
    check_root(root)
