"""The prior: measures of several encoders side by side, kept with a teacher's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.checks import check
from models.ordinal import fitted
from models.prior import Prior
from models.teacher import Blend, Teacher
from tests.models.folders import encoder, teacher

QUERIES, TEXTS = ["blue lamp", "soup", "blue lamp"], ["a red table\nsoup", "soup", "a red table\nsoup"]


def test_measures_stand_side_by_side_and_a_teacher_keeps_its_prior(tmp_path: Path) -> None:
    folders = [encoder(tmp_path / "one"), encoder(tmp_path / "two", pooling="cls")]
    prior = Prior.loaded(folders, 16, "cpu", "fp32")
    batch = prior.padded(prior.read(QUERIES, TEXTS))
    found = prior.measures(batch)
    assert found.shape == (3, 10)
    assert np.abs(found[0] - found[2]).max() < 1e-6
    assert np.abs(found[:, 0] - found[:, 5]).max() > 1e-4, "mean and cls differ"
    with pytest.raises(ValueError, match="the prior was not fitted to grades"):
        prior.probabilities(batch)
    prior.ordinal = fitted(found, np.eye(5)[[1, 4, 1]])
    base = Teacher.loaded(teacher(tmp_path / "base"))
    ours = Teacher(base.tokenizer, base.network, base.reading, prior, Blend(0.5, 2.0, (0.1, 0, 0, 0, 0)))
    ours.save(tmp_path / "whole")
    check(tmp_path / "whole")
    again = Teacher.loaded(tmp_path / "whole")
    read = ours.padded(ours.pairs(QUERIES, TEXTS))
    expected = ours.blend.of(base.logits(read), prior.probabilities(batch))
    assert np.abs(ours.probabilities(read) - expected).max() < 1e-6
    assert np.abs(again.probabilities(again.padded(again.pairs(QUERIES, TEXTS))) - expected).max() < 1e-5
    alone = [ours.probabilities(ours.padded([pair])) for pair in ours.pairs(QUERIES, TEXTS)]
    assert np.abs(np.concatenate(alone) - expected).max() < 1e-5
