"""Requests are timed one by one, and the two forms of a head are held against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.evaluation.serving import Entities, Times, parity, student_times, teacher_times
from models.served import Served
from models.student import SERVED, Student
from tests.models.folders import teacher
from tests.udfs.test_student import student
from udfs.engine.task import Asking
from udfs.engine.threads import ThreadPlan


def entities(n: int) -> Entities:
    """Random vectors of texts."""
    luck = np.random.default_rng(1)
    vectors = luck.normal(size=(n, 16)).astype(np.float32)
    return Entities(["a red lamp"] * n, vectors, luck.normal(size=(n, 4)).astype(np.float32), luck.normal(size=(n, 3)).astype(np.float32))


def test_quantiles_are_in_milliseconds() -> None:
    times = Times([0.001] * 98 + [0.1, 0.2])
    assert times.told() == {"requests": 100, "p50_ms": 1.0, "p99_ms": pytest.approx(101.0)}


def test_each_query_is_a_request_and_both_forms_agree(tmp_path: Path) -> None:
    ours, served = Student.loaded(student(tmp_path / "s")), Served(tmp_path / "s" / SERVED)
    held = entities(30)
    assert len(student_times(ours, served, ["blue lamp", "soup", "red"], held).seconds) == 3
    query = ours.encoder.vectors(ours.encoder.tokens(["blue lamp"], "query")).repeat(30, axis=0)
    assert parity(ours, served, query, held.vectors, held.graph, held.numbers) < 1e-5
    other = Served(student(tmp_path / "t") / SERVED)
    ours.head.wide.bias.data += 3.0 * torch.arange(5)
    assert parity(ours, other, query, held.vectors, held.graph, held.numbers) > 0.1, "it can fail"


def test_a_teacher_is_asked_about_the_same_pairs(tmp_path: Path) -> None:
    asking = Asking("udfs.teacher:load", str(teacher(tmp_path / "t")), "t", precision="fp32", plan=ThreadPlan(1, 1))
    times, precision = teacher_times(asking, ["blue lamp", "soup"], ["a red lamp", "blue soup", "a table"] * 20)
    assert (len(times.seconds), precision) == (2, "fp32")
