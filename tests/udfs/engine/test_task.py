from __future__ import annotations

import pytest

from udfs.engine.task import ACCELERATOR_TOKENS, CPU_TOKENS, Asking, Budget


def test_a_batch_has_the_tokens_that_suit_the_device_unless_they_are_set():
    assert [Budget().on(device).batch_tokens for device in ("cpu", "cuda:1")] == [CPU_TOKENS, ACCELERATOR_TOKENS]
    assert [Budget(batch_tokens=9).on(device).batch_tokens for device in ("cpu", "cuda:1")] == [9, 9]


def test_a_window_or_batch_of_nothing_and_unknown_numbers_are_refused():
    with pytest.raises(ValueError, match="batch_tokens, ahead: a window and a batch hold at least one"):
        Budget(batch_tokens=0, ahead=0)
    with pytest.raises(ValueError, match="precision 'int3': one of auto, fp32, bf16"):
        Asking("module:function", "", "", precision="int3")
