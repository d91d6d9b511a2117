"""Versions that work together: what is installed is what is pinned, and the jars belong to it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jobs.doctor import pins
from jobs.jars import JARS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WANTED = {r.name: r for r in map(Requirement, PROJECT["dependencies"])}
LOCKED = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["pyspark", "delta-spark", "great-expectations", "pandas"])
def test_the_installed_version_is_the_pinned_and_locked_one(name):
    installed = version(name)
    assert installed in WANTED[name].specifier
    assert installed == LOCKED[name]


def test_every_dependency_is_locked_with_hashes():
    lock = (ROOT / "requirements.lock").read_text()
    assert {name.lower() for name in WANTED} <= {name.lower() for name in LOCKED}
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(entries) == len(re.findall(r"^[A-Za-z0-9]", lock, re.MULTILINE)) > 50
    assert [e.split(" ")[0] for e in entries if "--hash=sha256:" not in e] == []
    assert "://" not in re.sub(r"#.*", "", lock), "the lock names no index: every machine has its own"


def test_the_doctor_knows_the_pins_of_the_project_file():
    exact = {name: next(iter(r.specifier)).version for name, r in WANTED.items() if str(r.specifier).startswith("==")}
    assert pins() == exact
    assert set(exact) == {"pyspark", "delta-spark", "great-expectations"}


def test_the_jars_are_those_of_the_pinned_delta_for_the_pinned_spark():
    delta = next(iter(WANTED["delta-spark"].specifier)).version
    spark = next(iter(WANTED["pyspark"].specifier)).version
    assert {jar.version for jar in JARS} == {delta}
    assert f"delta-spark_{'.'.join(spark.split('.')[:2])}_2.13" in [jar.artifact for jar in JARS]
