"""What reading one image may cost."""

from __future__ import annotations

from dataclasses import dataclass

from udfs.children import limits as children
from udfs.children.limits import RefusedInput

SIDE = 1024
"""Pixels of the longer side that images are scaled down to: models read 384 or less."""


class RefusedImage(RefusedInput):
    """An image that is not read."""


@dataclass(frozen=True)
class Limits(children.Limits):
    """What reading one image may cost; `pixels` are counted by its header, before any is decoded."""

    most_bytes: int = 20 << 20
    seconds: float = 5.0
    memory_mb: int = 1024
    pixels: int = 25_000_000


@dataclass(frozen=True)
class PixelLimits(Limits):
    """What reading one image may cost, and the most pixels of its longer side that are wanted."""

    side: int = SIDE
