"""A teacher of either kind from its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models import prompted
from models.kinds import TEACHER as READING
from models.prompted import PromptedTeacher
from models.specs import ModelError
from models.teacher import Teacher


def loaded(folder: Path, device: str = "cpu", dtype: str = "fp32") -> Teacher | PromptedTeacher:
    """The tuned or the prompted teacher in the folder; ModelError where there is none. No code of the folder runs."""
    kind = _said(folder).get("kind")
    return (PromptedTeacher if kind == prompted.KIND else Teacher).loaded(folder, device, dtype)


def has_prior(folder: Path) -> bool:
    """Whether the teacher in the folder has a prior; ModelError where there is no teacher."""
    return bool(_said(folder).get("prior"))


def _said(folder: Path) -> dict[str, Any]:
    if not (folder / READING).is_file():
        raise ModelError(f"{folder} is no teacher: it lacks {READING}; train one with pinlake run teacher")
    return dict(json.loads((folder / READING).read_bytes()))
