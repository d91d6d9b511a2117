"""A worker loads a model once by its content, and few of them at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from udfs.engine import cache
from udfs.engine.task import Asking


def asking(folder: Path, model: str, **options) -> Asking:
    return Asking("tests.udfs.engine.toys:load", str(folder), model * 64, options, precision="fp32")


@pytest.fixture(autouse=True)
def _empty():
    cache.forget()
    yield
    cache.forget()


def loads(folder: Path) -> int:
    return len((folder / "loads").read_text().splitlines())


def test_a_model_is_loaded_once_by_content_and_options_not_by_call(tmp_path):
    one = cache.cached(asking(tmp_path, "a"), "cpu", lambda: "fp32")
    assert cache.cached(asking(tmp_path, "a"), "cpu", lambda: pytest.fail("asked for a precision again")) is one
    assert loads(tmp_path) == 1
    assert cache.cached(asking(tmp_path, "a", suffix="!"), "cpu", lambda: "fp32") is not one
    assert loads(tmp_path) == 2


def test_the_model_that_was_asked_longest_ago_is_dropped(tmp_path):
    first = cache.cached(asking(tmp_path, "a"), "cpu", lambda: "fp32")
    cache.cached(asking(tmp_path, "b"), "cpu", lambda: "fp32")
    assert cache.cached(asking(tmp_path, "a"), "cpu", lambda: "fp32") is first
    cache.cached(asking(tmp_path, "c"), "cpu", lambda: "fp32")
    assert cache.cached(asking(tmp_path, "a"), "cpu", lambda: "fp32") is first
    assert loads(tmp_path) == 3
    cache.cached(asking(tmp_path, "b"), "cpu", lambda: "fp32")
    assert loads(tmp_path) == 4
