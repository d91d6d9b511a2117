"""The zip of our code: whole, the same every time, importable."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from jobs.shipping import PACKAGES, code_zip

ROOT = Path(__file__).parents[2]


def test_the_zip_holds_every_source_and_data_file_of_our_packages_and_nothing_compiled(tmp_path):
    names = zipfile.ZipFile(code_zip(tmp_path)).namelist()
    wanted = [p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert set(names) == {str(p.relative_to(ROOT)) for p in wanted}
    assert len(names) == len(set(names))
    assert "jobs/log4j2.properties" in names


def test_the_same_code_gives_the_same_file_with_the_same_name(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = code_zip(tmp_path / "a"), code_zip(tmp_path / "b")
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_code_imported_from_a_zip_can_be_zipped_again(tmp_path):
    first = code_zip(tmp_path)
    (tmp_path / "again").mkdir()
    program = f"""
import sys; sys.path.insert(0, {str(first)!r})
import jobs.shipping, pathlib
assert jobs.__file__.startswith({str(first)!r}), jobs.__file__
print(jobs.shipping.code_zip(pathlib.Path({str(tmp_path / "again")!r})).name)"""
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == first.name
