"""What Spark forks the Python workers of one machine from: `pyspark.daemon` without archives on its path, every worker's imports made once.

Workers that ask a model share it (udfs/engine/sharing.py).

Spark puts pyspark.zip and the jar of its core on the path of workers, and every task begins with `importlib.invalidate_caches()`, which
reads the directories of all archives on the path anew: 0.3 seconds of a core a task. The installed pyspark is the same code, and
compiled. A worker that imports pandas and pyarrow by itself spends some seconds on them, and Spark ends workers idle for a minute.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import MutableMapping
from typing import Any

ASKING = "PINLAKE_ASKING"
"""The environment variable that names the model which the workers share."""
_ARCHIVES = (".zip", ".jar")


def leave_out_archives(path: list[str], importers: MutableMapping[str, Any]) -> None:
    """Takes archives, and what is known of them, from a `sys.path` and its `sys.path_importer_cache`, in place."""
    path[:] = [where for where in path if not where.endswith(_ARCHIVES)]
    # What lies in an archive is known by the archive's path and its own below it.
    for where in [where for where in importers if any(part.endswith(_ARCHIVES) for part in where.split("/"))]:
        del importers[where]


def serve() -> None:
    """Forks a worker for every connection, as `pyspark.daemon` does, until Spark ends it."""
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401
    import pyspark.daemon

    if told := os.environ.get(ASKING):
        from udfs.engine.sharing import load

        load(told)
    # A worker collects garbage after every task: what all workers share is not looked at again.
    gc.collect()
    gc.freeze()
    pyspark.daemon.manager()


if __name__ == "__main__":
    leave_out_archives(sys.path, sys.path_importer_cache)
    serve()
