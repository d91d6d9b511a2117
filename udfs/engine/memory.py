"""Memory of a process that runs models: what a batch needed goes back to the system when the batch is done."""

from __future__ import annotations

import ctypes

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
_LARGE = 2 << 20


def give_back() -> None:
    """From now on the allocator maps each piece of 2 MiB or more by itself, so that it goes back when it is freed; glibc only.

    Else glibc raises its threshold to 32 MiB, and batches of ever other shapes leave a heap full of holes: over 200 MB in a slot.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
