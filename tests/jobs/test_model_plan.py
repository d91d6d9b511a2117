"""How models are asked: in the precision and on the threads that are set, where they can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.model_plan import Models
from jobs.settings import load
from models.store import Stored
from udfs.engine.threads import machine_cores

MODEL = Stored("path:/m", "c" * 64, Path("/m"))


@pytest.mark.parametrize(("wanted", "found"), [("int8", "auto"), ("bf16", "bf16"), ("auto", "auto")])
def test_a_precision_that_a_model_cannot_run_with_is_left_to_a_probe(wanted: str, found: str) -> None:
    store: Any = None  # no table is read
    asking = Models(store, load({"engine": {"precision": wanted}})).alone("udfs.captions:load", MODEL, ("fp32", "bf16"))
    assert (asking.precision, asking.candidates) == (found, ("fp32", "bf16"))


@pytest.mark.parametrize(("wanted", "found"), [(None, machine_cores()), (1, 1), (10_000, machine_cores())])
def test_a_model_asked_by_this_process_has_the_threads_that_are_set_and_no_more_than_cores(wanted: int | None, found: int) -> None:
    store: Any = None
    asking = Models(store, load({"engine": {"threads": wanted}})).alone("udfs.captions:load", MODEL, ("fp32",))
    assert (asking.plan.slots, asking.plan.threads) == (1, found)
