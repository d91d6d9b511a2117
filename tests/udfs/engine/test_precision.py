"""Precision is what a probe finds on this machine, and it is kept; answers that differ never win."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from schemas.contract import PRECISIONS
from tests.udfs.engine.toys import Upper
from udfs.engine import precision
from udfs.engine.precision import chosen, close, possible
from udfs.engine.task import Asking

SAMPLE = [pa.array(["some", "texts", "vile"])]


class Paced(Upper):
    """Takes as long as the options say for its precision, and answers otherwise where they say so."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, suffix="!" if name in options.get("wrong", ()) else "")
        self.pause = options[name]

    def run(self, batch: Any) -> pa.Array:
        time.sleep(self.pause)
        return super().run(batch)


def paced(folder: str, options: Mapping[str, Any], device: str, precision: str) -> Paced:
    return Paced(precision, options)


def asking(options: Mapping[str, Any], folder: str = "", **more: Any) -> Asking:
    candidates = tuple(reversed([name for name in PRECISIONS if name in options]))
    return Asking("tests.udfs.engine.test_precision:paced", "", "0" * 64, options, probe_cache=folder, **{"candidates": candidates, **more})


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(precision, "_kept", {})


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"fp32": 0.02, "bf16": 0.005}, "bf16"),
        ({"fp32": 0.02, "bf16": 0.08}, "fp32"),
        ({"fp32": 0.02, "bf16": 0.001, "wrong": ["bf16"]}, "fp32"),
        ({"fp32": 0.05, "bf16": 0.02, "int8": 0.005}, "int8"),
        ({"fp32": 0.05, "bf16": 0.08, "int8": 0.005}, "int8"),
        ({"fp32": 0.05, "bf16": 0.02, "int8": 0.005, "wrong": ["int8"]}, "bf16"),
        ({"fp32": 0.05, "bf16": 0.0200, "int8": 0.0195}, "bf16"),  # hardly faster: the more exact one stays
    ],
)
def test_the_fastest_precision_whose_answers_hold_is_chosen(options, found):
    assert chosen(asking(options), "cpu", SAMPLE) == found


def test_int8_is_for_cpus():
    assert possible(("fp32", "int8"), "cpu") == ("fp32", "int8")
    assert chosen(asking({}, candidates=("fp32", "int8")), "cuda:0", SAMPLE) == "fp32"


def test_a_precision_that_is_asked_for_is_not_probed():
    assert chosen(asking({}, precision="bf16"), "cpu", SAMPLE) == "bf16"
    assert chosen(asking({}, candidates=("fp32",)), "cpu", SAMPLE) == "fp32"
    with pytest.raises(ValueError, match="precision 'fp8': one of auto, fp32, bf16, int8$"):
        asking({}, precision="fp8")


def test_the_outcome_is_kept_for_the_machine_and_read_by_the_next_process(tmp_path, monkeypatch):
    options = {"fp32": 0.02, "bf16": 0.001}
    assert chosen(asking(options, str(tmp_path)), "cpu", SAMPLE) == "bf16"
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text())["probe"]["bf16"]["holds"] is True
    monkeypatch.setattr(precision, "_kept", {})
    monkeypatch.setattr(precision, "probed", lambda *given: pytest.fail("probed again"))
    assert chosen(asking(options, str(tmp_path)), "cpu", SAMPLE) == "bf16"


def test_a_round_that_lasts_is_not_repeated(monkeypatch):
    rounds = []
    monkeypatch.setattr(Paced, "run", lambda task, batch: rounds.append(task.precision) or Upper.run(task, batch))
    chosen(asking({"fp32": 0.0, "bf16": 0.0}), "cpu", SAMPLE)
    assert rounds == ["fp32"] * 4 + ["bf16"] * 4
    monkeypatch.setattr(precision, "LONG", 0.0)
    rounds.clear()
    monkeypatch.setattr(precision, "_kept", {})
    chosen(asking({"fp32": 0.0, "bf16": 0.0}), "cpu", SAMPLE)
    assert rounds == ["fp32", "bf16"]


def test_answers_are_close_by_their_kind():
    vector = pa.list_(pa.float32(), 2)
    assert close(pa.array([[1.0, 0.0]], vector), pa.array([[0.999, 0.01]], vector))
    assert not close(pa.array([[1.0, 0.0]], vector), pa.array([[0.9, 0.4]], vector))
    assert close(pa.array([0.5]), pa.array([0.51]))
    assert not close(pa.array([0.5]), pa.array([0.6]))
    assert close(pa.array(["a", None]), pa.array(["a", None]))
    assert not close(pa.array(["a"]), pa.array(["b"]))
