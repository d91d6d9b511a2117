"""Jobs of a step side by side: each after those that it reads, a job that asks or trains a model alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import TypeVar

from jobs.errors import PinlakeError

Worker = TypeVar("Worker")


def side_by_side(
    names: Sequence[str],
    above: Mapping[str, set[str]],
    alone: set[str],
    workers: Sequence[Worker],
    work: Callable[[Worker, str], None],
    say: Callable[[str], None] = print,
) -> None:
    """Works through the names, as many at once as there are workers; each begins in the order given, and after all of `above` it.

    What is in `alone` waits for all before it and is waited for by all behind it: a model takes the whole machine, and a probe of what is
    fastest must not be disturbed. After a PinlakeError nothing begins any more; what runs ends, and the first error is raised.
    """
    if len(workers) == 1:
        for name in names:
            work(workers[0], name)
        return
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(name: str) -> None:
        worker = free.get()
        try:
            work(worker, name)
        finally:
            free.put(worker)

    waiting, running, failed = list(names), dict[Future[None], str](), list[BaseException]()
    with ThreadPoolExecutor(len(workers), "job") as pool:
        while waiting or running:
            while not failed and (first := _next(waiting, set(running.values()), above, alone, len(workers))) is not None:
                waiting.remove(first)
                if first in alone:
                    one(first)
                else:
                    running[pool.submit(one, first)] = first
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(done)
                if error := done.exception():
                    failed.append(error)
                    if running or len(failed) > 1:
                        say(f"{name}: {error if isinstance(error, PinlakeError) else type(error).__name__}")
    if failed:
        raise failed[0]


def _next(waiting: Sequence[str], running: set[str], above: Mapping[str, set[str]], alone: set[str], most: int) -> str | None:
    """The first name that may begin now; None where all have to wait."""
    if len(running) == most:
        return None
    for place, name in enumerate(waiting):
        if name in alone:
            return name if place == 0 and not running else None
        if not above[name] & (running | set(waiting[:place])):
            return name
    return None
