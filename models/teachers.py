"""A teacher of either kind from its folder."""

from __future__ import annotations

import json
from pathlib import Path

from models import prompted
from models.prompted import PromptedTeacher
from models.specs import ModelError
from models.teacher import READING, Teacher


def loaded(folder: Path, device: str = "cpu", dtype: str = "fp32") -> Teacher | PromptedTeacher:
    """The tuned or the prompted teacher in the folder; ModelError where there is none. No code of the folder runs."""
    if not (folder / READING).is_file():
        raise ModelError(f"{folder} is no teacher: it lacks {READING}; train one with pinlake run teacher")
    kind = json.loads((folder / READING).read_bytes()).get("kind")
    return (PromptedTeacher if kind == prompted.KIND else Teacher).loaded(folder, device, dtype)
