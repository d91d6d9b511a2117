from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HOLES = """
import sys
from udfs.engine.memory import give_back
def resident():
    return next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmRSS"))
if sys.argv[1] == "give back":
    give_back()
del (large := [bytearray(b"x" * (30 << 20))])[:]  # glibc's own threshold follows what was freed
before, pins, pieces = resident(), [], []
for _ in range(40):
    pieces.append(bytearray(b"x" * (4 << 20)))
    pins.append(bytearray(b"x" * (64 << 10)))
pieces.clear()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no such threshold")
def test_large_pieces_go_back_although_small_ones_lie_between_them():
    def grown(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", HOLES, how], capture_output=True, text=True, check=True).stdout)

    assert grown("keep") > 20, "else this test shows nothing"
    assert grown("give back") < 15
