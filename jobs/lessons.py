"""What a trainer is given. Apart from jobs/training.py, which knows the store: a job knows none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.store import Stored

Say = Callable[[str], None]


@dataclass(frozen=True)
class Lesson:
    """Rows as local Parquet (of a build that returns several parts, a folder each), the models to start from by part, the job's
    parameters, and folders to work in and to fill."""

    rows: Path
    starts: Mapping[str, Stored]
    params: Any
    work: Path
    out: Path
    say: Say
