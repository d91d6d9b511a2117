"""Models stay in a worker: loaded once by content, not once by call, partition or batch."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable

from udfs.engine.task import Asking, Task

KEPT = 2
"""Models that a worker keeps: a job that asks a second one right after the first need not load either again."""

_lock = threading.Lock()
_tasks: OrderedDict[tuple[str, ...], Task] = OrderedDict()
loads = 0
"""How often this process loaded a model: what benchmarks and tests count."""


def cached(asking: Asking, device: str, precision: Callable[[], str]) -> Task:
    """The task that the asking names, loaded when this process first needs it; `precision` is asked only then."""
    global loads
    key = (asking.loader, asking.content_hash, json.dumps(dict(asking.options), sort_keys=True, default=str), device, asking.precision)
    with _lock:
        if key in _tasks:
            _tasks.move_to_end(key)
            return _tasks[key]
        while len(_tasks) >= KEPT:
            _tasks.popitem(last=False)
        task = asking.load(device, precision())
        loads += 1
        _tasks[key] = task
        return task


def forget() -> None:
    """Drops all models of this process."""
    with _lock:
        _tasks.clear()
