"""What a model's folder holds, told by its files: no library of models is read for it."""

from __future__ import annotations

from pathlib import Path

TEACHER, STUDENT, EMBEDDER = "teacher.json", "student.json", "omnisearchsage.json"
"""The file that makes a folder a teacher's, a student's or a joint embedding's: how it reads."""


def is_student(folder: Path) -> bool:
    """Whether a model's folder is a student's."""
    return (folder / STUDENT).is_file()


def is_embedder(folder: Path) -> bool:
    """Whether a model's folder is a joint embedding's."""
    return (folder / EMBEDDER).is_file()
