"""Runs all benchmarks, or those named: `python -m benchmarks [NAME ...]`. One line a ratio: name ratio spread unit."""

from __future__ import annotations

import importlib
import sys

NAMES = ("publication", "engine", "labelling", "engagement", "nights", "loader", "vectors")


def main(names: list[str]) -> int:
    """Measures and prints; 2 where a name is unknown."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no benchmark is named {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        print(f"{name}:", file=sys.stderr, flush=True)
        for one in importlib.import_module(f"benchmarks.{name}").measure():
            print(one.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
