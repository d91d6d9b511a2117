"""What Spark forks the Python workers of one machine from: `pyspark.daemon` without archives on its path, every worker's imports made once.

Spark puts pyspark.zip and the jar of its core on the path of workers, and every task begins with `importlib.invalidate_caches()`, which
reads the directories of all archives on the path anew: 0.3 seconds of a core a task. The installed pyspark is the same code, and
compiled. A worker that imports pandas and pyarrow by itself spends some seconds on them, and Spark ends workers idle for a minute.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import MutableMapping
from typing import Any


def leave_out_archives(path: list[str], importers: MutableMapping[str, Any]) -> None:
    """Takes archives, and what is known of them, from a `sys.path` and its `sys.path_importer_cache`, in place."""
    path[:] = [where for where in path if not _is_archive(where)]
    for where in [where for where in importers if any(_is_archive(part) for part in _parents(where))]:
        del importers[where]


def _is_archive(where: str) -> bool:
    return where.endswith((".zip", ".jar"))


def _parents(where: str) -> list[str]:
    """The path itself and the paths above it: what lies in an archive is known by the archive's path and its own below it."""
    parts = where.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def serve() -> None:
    """Forks a worker for every connection, as `pyspark.daemon` does, until Spark ends it."""
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401
    import pyspark.daemon
    import pyspark.sql.pandas.serializers

    # A worker collects garbage after every task: what all workers share is not looked at again.
    gc.collect()
    gc.freeze()
    pyspark.daemon.manager()


if __name__ == "__main__":
    leave_out_archives(sys.path, sys.path_importer_cache)
    serve()
