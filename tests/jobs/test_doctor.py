"""The doctor: what is missing, and what to type."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys

import pytest

from jobs import doctor, jars
from jobs.doctor import Check, render, report
from jobs.errors import PinlakeError
from jobs.settings import load
from tests.models.folders import plain

GIB = 1 << 30


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A cache of two small jars, as if they were the pinned ones."""
    monkeypatch.setattr(jars, "JARS", tuple(jars.Jar(name, "1", hashlib.sha256(name.encode()).hexdigest()) for name in ("a", "b")))
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}-1.jar").write_text(name)
    return folder


def settings(**values):
    return load(values, {"PINLAKE_CONFIG": os.devnull})


def java_that_prints(folder, text):
    """A JAVA_HOME whose java says the text, as Java does, on stderr."""
    binary = folder / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\ncat >&2 <<'X'\n{text}\nX\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_where_nothing_is_missing_every_check_is_ok(cached, tmp_path):
    without = {"encoder": "none"}
    found = report(settings(warehouse=str(tmp_path / "new" / "w"), jars_cache=str(cached), driver_memory="1m", models=without))
    assert [c.name for c in found] == ["Python", "packages", "Java", "Spark", "Delta jars", "disk", "memory", "models"]
    assert [c for c in found if not c.ok] == []
    assert not (tmp_path / "new").exists(), "looking makes no folder"


def test_the_report_takes_less_than_a_second_and_starts_no_spark(tmp_path):
    program = """
import sys, time
from jobs.doctor import render, report
from jobs.settings import load
started = time.process_time()
text = render(report(load({"warehouse": sys.argv[1]})))
assert not {"pyspark", "pandas", "torch", "numpy"} & set(sys.modules), "too much is imported"
print(time.process_time() - started)"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1


@pytest.mark.parametrize(
    ("says", "ok", "found"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True, "17.0.15"),
        ('java version "21" 2023-09-19 LTS', True, "21"),
        ('openjdk version "11.0.2" 2019-01-15', False, "11.0.2"),
        ('java version "1.8.0_392"', False, "1.8.0_392"),
        ("no version", False, "does not tell its version"),
    ],
)
def test_java_is_judged_by_its_version(tmp_path, says, ok, found):
    check = doctor.java(java_that_prints(tmp_path / "jdk", says))
    assert check.ok is ok
    assert found in check.found
    assert ok or "install Java 17" in check.fix


def test_without_java_it_says_what_to_install(tmp_path, monkeypatch):
    assert "does not run" in doctor.java(str(tmp_path)).found
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = doctor.java()
    assert (check.ok, check.found) == (False, "no java on the PATH and no JAVA_HOME")
    assert "openjdk-17" in check.fix


def test_missing_and_changed_jars_are_named(cached):
    (cached / "a-1.jar").unlink()
    (cached / "b-1.jar").write_text("x")
    check = doctor.delta_jars(settings(jars_cache=str(cached)))
    assert check == Check(
        "Delta jars", False, "a-1.jar is missing; b-1.jar is not the pinned file (its sha256 differs)", "pinlake doctor --fetch"
    )


def test_jars_given_by_path_are_looked_for_and_never_fetched(tmp_path, monkeypatch):
    (tmp_path / "x.jar").touch()
    assert doctor.delta_jars(settings(jars=str(tmp_path))).found == "1 given by path"
    missing = doctor.delta_jars(settings(jars="/no/such.jar"))
    assert not missing.ok
    assert "/no/such.jar" in missing.found
    monkeypatch.setattr(jars, "fetch", lambda *a, **k: pytest.fail("fetched"))
    doctor.fetch(settings(jars=str(tmp_path), models={"encoder": "none", "captioner": "none"}))


def test_models_that_are_not_here_are_low_and_fetched_once(cached, tmp_path):
    model, said = plain(tmp_path / "model"), []
    named = {"encoder": f"path:{model}", "captioner": "none"}
    wanted = settings(jars_cache=str(cached), models_cache=str(tmp_path / "models"), models=named)
    assert doctor.models(wanted) == Check("models", True, f"encoder is not here yet (path:{model})", "pinlake doctor --fetch")
    doctor.fetch(wanted, said.append)
    assert doctor.models(wanted) == Check("models", True, f"encoder is here (path:{model})")
    assert doctor.models(settings(models=dict.fromkeys(named, "none"))).found == "none is connected"


def test_a_model_that_cannot_be_fetched_is_told_with_how_to_go_without_it(cached, tmp_path):
    named = {"encoder": f"path:{tmp_path}/none", "captioner": "none"}
    wanted = settings(jars_cache=str(cached), models_cache=str(tmp_path / "models"), models=named)
    with pytest.raises(PinlakeError, match=r'there is no such folder\nTo go without this model, write encoder = "none" under \[models\]'):
        doctor.fetch(wanted)


def test_other_versions_of_pinned_packages_are_named():
    assert doctor.packages({"pyspark": "4.1.4"}).ok
    check = doctor.packages({"pyspark": "3.5.0", "no-such-package": "1"})
    assert (check.ok, check.found) == (False, "pyspark 4.1.4, not 3.5.0; no-such-package is not installed, not 1")
    assert not doctor.packages({}).ok


def test_another_python_is_missing_python():
    assert doctor.python_version((3, 11, 9)).ok
    assert "install Python 3.11" in doctor.python_version((3, 12, 1)).fix


def test_a_spark_home_of_another_version_is_refused(tmp_path):
    assert doctor.spark_home(None).ok
    assert doctor.spark_home(str(tmp_path)).fix == "unset SPARK_HOME"
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "spark-core_2.13-4.1.4.jar").touch()
    assert doctor.spark_home(str(tmp_path)).ok


def test_a_warehouse_that_cannot_be_written_is_missing_and_little_room_is_low(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert not doctor.disk(str(tmp_path / "file" / "w")).ok
    assert doctor.disk("s3a://bucket/w").ok
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda p: type("Usage", (), {"free": GIB})())
    check = doctor.disk(str(tmp_path / "w"))
    assert (check.state, check.found) == ("low", f"1 GiB free for {tmp_path}/w")


def test_a_driver_that_does_not_fit_into_memory_is_low_and_a_smaller_one_is_named():
    assert doctor.memory("4g", 5 * GIB).state == "ok"
    low = doctor.memory("4g", 5 * GIB - 1)
    assert (low.state, low.ok) == ("low", True)
    assert doctor.memory("4096m", 3 * GIB).fix == "a smaller driver: export PINLAKE_DRIVER_MEMORY=2048m"
    assert doctor.memory("1t", GIB).fix.endswith("=512m")


def test_the_screen_shows_what_to_type_below_what_is_missing():
    text = render(
        [Check("Java", False, "none", "install it"), Check("disk", True, "1 GiB", "free some"), Check("models", True, "none needed")]
    )
    assert (
        text
        == "MISSING  Java    none\n    -> install it\nlow      disk    1 GiB\n    -> free some\nok       models  none needed\n\n1 missing"
    )
    assert render([Check("Java", True, "17")]).endswith("nothing is missing")
