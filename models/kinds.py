"""What a model's folder holds, told by its files: no library of models is read for it."""

from __future__ import annotations

from pathlib import Path

TEACHER, STUDENT = "teacher.json", "student.json"
"""The file that makes a folder a teacher's or a student's: how it reads pairs."""


def is_student(folder: Path) -> bool:
    """Whether a model's folder is a student's."""
    return (folder / STUDENT).is_file()
