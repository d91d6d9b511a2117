"""A folder says which kind of teacher it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.prompted import PromptedTeacher
from models.specs import ModelError
from models.teacher import Blend, Teacher
from models.teachers import has_prior, loaded
from tests.models.folders import chat, encoder, teacher, with_prior


def test_both_kinds_are_loaded_from_their_folders_and_nothing_else_is(tmp_path: Path) -> None:
    assert isinstance(loaded(teacher(tmp_path / "tuned")), Teacher)
    PromptedTeacher.of(chat(tmp_path / "c"), 240, "cpu", "fp32", blend=Blend()).save(tmp_path / "prompted")
    assert isinstance(loaded(tmp_path / "prompted"), PromptedTeacher)
    assert [has_prior(tmp_path / name) for name in ("tuned", "prompted")] == [False, False]
    assert has_prior(with_prior(tmp_path / "both"))
    with pytest.raises(ModelError, match=r"is no teacher: it lacks teacher.json; train one with pinlake run teacher"):
        loaded(encoder(tmp_path / "e"))


def test_an_encoder_cannot_be_prompted(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="only a decoder can be prompted for a grade, and this is an encoder"):
        PromptedTeacher.of(encoder(tmp_path / "e"), 240, "cpu", "fp32")
