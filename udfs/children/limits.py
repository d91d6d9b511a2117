"""What reading one input may cost, and the refusal of one that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass


class RefusedInput(ValueError):
    """An input that is not read, with the reason as its message; never words of the input."""


@dataclass(frozen=True)
class Limits:
    """What reading one input may cost its child; kinds of inputs add their own limits and defaults."""

    most_bytes: int
    seconds: float
    memory_mb: int
