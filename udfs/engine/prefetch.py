"""Some items ahead: a thread makes the next ones while the caller works on the one before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.2


class _End:
    """What the thread puts last: the error that ended the source, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetched(source: Iterator[T], ahead: int) -> Iterator[T]:
    """The items of the source in their order, made by a thread that is so many ahead; an error of the source is raised here.

    The thread ends with the source, or soon after the caller stops taking.
    """
    made: queue.Queue[T | _End] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: T | _End) -> None:
        while not stopped.is_set():
            try:
                made.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def fill() -> None:
        error: BaseException | None = None
        try:
            for item in source:
                put(item)
                if stopped.is_set():
                    return
        except BaseException as raised:  # noqa: BLE001  # raised again by the one who takes
            error = raised
        put(_End(error))

    thread = threading.Thread(target=fill, name="pinlake-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = made.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        thread.join()
