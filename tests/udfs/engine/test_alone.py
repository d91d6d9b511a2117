"""A model asked without Spark: the answers of the model alone, row for row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from models.teacher import Teacher
from tests.models.folders import teacher
from udfs.engine.alone import answers, asker
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan


def test_every_row_has_its_answer_or_a_reason_and_progress_is_told(tmp_path: Path) -> None:
    folder = teacher(tmp_path / "t")
    asking = Asking("udfs.teacher:load", str(folder), "c", precision="fp32", plan=ThreadPlan(1, 1), budget=Budget(batch_rows=3))
    words = ["blue", "lamp", "soup", "red"]
    rows = [(words[n % 4], f"a {words[n % 3]} : {words[n % 2]}") for n in range(2_500)]
    rows[7] = ("", "soup")
    done: list[int] = []
    found, refused, precision = answers(asking, [pa.array(column) for column in zip(*rows, strict=True)], done.append)
    assert (len(found), precision, done[-1]) == (2_500, "fp32", 2_500)
    assert [n for n, reason in enumerate(refused.to_pylist()) if reason] == [7]
    ours = Teacher.loaded(folder)
    for place in (0, 1_023, 1_024, 2_499):
        alone = ours.probabilities(ours.padded(ours.pairs([rows[place][0]], [rows[place][1]])))[0]
        assert np.abs(np.array(found[place].as_py()) - alone).max() < 1e-5


def test_a_model_is_loaded_once_for_all_that_it_is_asked(tmp_path: Path) -> None:
    ask = asker(Asking("tests.udfs.engine.toys:load", str(tmp_path), "c", precision="fp32", plan=ThreadPlan(1, 1)))
    assert not (tmp_path / "loads").exists()
    for word in ("lamp", "soup"):
        found, _, _ = ask([pa.array([word])], lambda rows: None)
        assert found.to_pylist() == [word.upper()]
    assert len((tmp_path / "loads").read_text().splitlines()) == 1
