from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from udfs.engine import memory

HOLES = """
import sys
from udfs.engine.memory import trim
def resident():
    return next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmRSS"))
del (large := [bytearray(b"x" * (30 << 20))])[:]  # glibc's own threshold follows what was freed
before, pins, pieces = resident(), [], []
for _ in range(40):
    pieces.append(bytearray(b"x" * (4 << 20)))
    pins.append(bytearray(b"x" * (64 << 10)))
pieces.clear()
if sys.argv[1] == "trim":
    trim()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators keep no such heap")
def test_large_pieces_go_back_although_small_ones_lie_between_them():
    def grown(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", HOLES, how], capture_output=True, text=True, check=True).stdout)

    assert grown("keep") > 30, "else this test shows nothing"
    assert grown("trim") < 15


def test_memory_goes_back_now_and_then_not_after_every_batch(monkeypatch):
    now, trims = [0.0], []
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(memory, "trim", lambda: trims.append(now[0]))
    trimming = memory.Trimming()
    for _ in range(25):
        now[0] += 1
        trimming.batch_done()
    assert trims == [10, 20]
