"""A model asked without Spark: the answers of the model alone, row for row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from models.teacher import Teacher
from tests.models.folders import teacher
from udfs.engine.alone import answers
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
