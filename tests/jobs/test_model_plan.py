"""How models are asked: in the precision that is set, where the model can run with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.model_plan import Models
from jobs.settings import load
from models.store import Stored

MODEL = Stored("path:/m", "c" * 64, Path("/m"))


@pytest.mark.parametrize(("wanted", "found"), [("int8", "auto"), ("bf16", "bf16"), ("auto", "auto")])
def test_a_precision_that_a_model_cannot_run_with_is_left_to_a_probe(wanted: str, found: str) -> None:
    store: Any = None  # no table is read
    asking = Models(store, load({"engine": {"precision": wanted}})).alone("udfs.captions:load", MODEL, ("fp32", "bf16"))
    assert (asking.precision, asking.candidates) == (found, ("fp32", "bf16"))
