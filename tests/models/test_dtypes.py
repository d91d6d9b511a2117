from __future__ import annotations

from models.dtypes import DTYPES
from schemas.contract import PRECISIONS


def test_every_precision_of_an_answer_can_be_loaded():
    assert tuple(DTYPES) == PRECISIONS
