"""A student's head and folder: what is not known changes nothing else, and what serves it says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checks import check
from models.kinds import is_student
from models.served import Served
from models.specs import ModelError
from models.student import HEAD, SERVED, Head, Shape, Student, save
from tests.models.folders import encoder, teacher

NAMES = ("a", "b", "c")


def inputs(rows: int, shape: Shape, seed: int = 1) -> tuple[torch.Tensor, ...]:
    """Random unit vectors, embeddings and numbers, of which some are not known."""
    luck = torch.Generator().manual_seed(seed)
    query, text = (torch.nn.functional.normalize(torch.randn(rows, shape.vector, generator=luck), dim=1) for _ in range(2))
    graph, numbers = torch.randn(rows, shape.graph, generator=luck), torch.randn(rows, len(shape.numbers), generator=luck) * 3 + 5
    graph[::3] = float("nan")
    numbers[torch.rand(rows, len(shape.numbers), generator=luck) < 0.3] = float("nan")
    return query, text, graph, numbers


def head(shape: Shape, seed: int = 2) -> Head:
    """A random head that is standardised on random pairs."""
    torch.manual_seed(seed)
    made = Head(shape)
    query, text, _, numbers = inputs(500, shape)
    made.standardise(query, text, numbers)
    return made.eval()


def test_numbers_are_standardised_over_what_is_known() -> None:
    shape = Shape(8, 0, NAMES)
    query, text, _, numbers = inputs(2_000, shape)
    made = head(shape)
    made.standardise(query, text, numbers)
    known = numbers[:, 0][~numbers[:, 0].isnan()]
    assert made.mean[1] == pytest.approx(float(known.mean()), abs=1e-4)
    assert made.deviation[1] == pytest.approx(float(known.std(unbiased=False)), abs=1e-3)
    constant = numbers.clone()
    constant[:, 1], constant[:, 2] = 4.0, float("nan")
    made.standardise(query, text, constant)
    assert made.deviation[2:].tolist() == [1.0, 1.0]
    assert torch.isfinite(made(query, text, torch.zeros(2_000, 0), constant)).all()


@pytest.mark.parametrize("graph", [0, 6])
def test_the_onnx_form_says_the_same_on_ten_thousand_pairs(tmp_path: Path, graph: int) -> None:
    shape = Shape(8, graph, NAMES)
    made, folder = head(shape), tmp_path / "s"
    save(folder, encoder(tmp_path / "e"), made, 16)
    served = Served(folder / SERVED)
    given = inputs(10_000, shape, seed=3)
    with torch.inference_mode():
        wanted = made(*given).softmax(1).numpy()
    found = served.probabilities(*(one.numpy() for one in given))
    assert found.shape == (10_000, 5)
    assert np.abs(found - wanted).max() < 1e-4
    assert wanted.std(axis=0).min() > 1e-3, "the pairs differ"
    one = served.probabilities(*(part[:1].numpy() for part in given))
    assert np.abs(one - wanted[:1]).max() < 1e-4


def test_a_folder_is_read_back_and_holds_no_code(tmp_path: Path) -> None:
    base = encoder(tmp_path / "e")
    shape = Shape(16, 4, NAMES)
    made = head(shape)
    save(tmp_path / "s", base, made, 12)
    check(tmp_path / "s")
    assert is_student(tmp_path / "s")
    ours = Student.loaded(tmp_path / "s")
    assert ours.head.shape == shape
    assert ours.encoder.reading.max_tokens == ours.max_tokens == 12
    given = [one.numpy() for one in inputs(50, shape)]
    with torch.inference_mode():
        assert np.abs(ours.probabilities(*given) - made(*map(torch.from_numpy, given)).softmax(1).numpy()).max() < 1e-6
    assert json.loads((tmp_path / "s" / "student.json").read_text())["shape"]["numbers"] == list(NAMES)


def test_what_is_no_student_is_refused(tmp_path: Path) -> None:
    assert not is_student(teacher(tmp_path / "t"))
    with pytest.raises(ModelError, match="is no student"):
        Student.loaded(tmp_path / "t")
    save(tmp_path / "s", encoder(tmp_path / "e"), head(Shape(16, 0, NAMES)), 12)
    (tmp_path / "s" / HEAD).unlink()
    with pytest.raises(ModelError, match="lacks student.json or head.safetensors"):
        Student.loaded(tmp_path / "s")
