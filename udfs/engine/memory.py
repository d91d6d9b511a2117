"""Memory of a process that runs models: what batches needed goes back to the system now and then."""

from __future__ import annotations

import ctypes
import time

SECONDS = 10.0
"""Between two returns. What goes back is fetched anew by the next batch, page by page: after each batch that cost 5 to 10 % of its time."""


def trim() -> None:
    """Gives all free pages of the heap back, those between pieces in use among them; glibc only.

    glibc itself gives back the end of the heap alone, and batches of ever other shapes leave it full of holes.
    """
    trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trimming is not None:
        trimming(0)


class Trimming:
    """Trims where `SECONDS` have passed since it did, or since it was made."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def batch_done(self) -> None:
        """Called after every batch."""
        if time.monotonic() - self._last >= SECONDS:
            trim()
            self._last = time.monotonic()
