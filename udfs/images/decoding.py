"""Images to pixels for a model, in child processes: a bomb costs its own limit, never the memory of the process that asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from udfs.children.pool import Answer, Body, Parser, Pool
from udfs.images.limits import SIDE, Limits, PixelLimits

Pixels = npt.NDArray[np.uint8]

_CHANNELS = 3


class Decoder:
    """Decodes images to RGB in children of its own; for one thread at a time."""

    def __init__(self, limits: Limits | None = None, side: int = SIDE, children: int = 1) -> None:
        """`side`: pixels of the longer side that images are scaled down to, where they are larger."""
        parser = Parser("udfs.images.reading:pixels", "image", raw_bytes=side * side * _CHANNELS)
        self._pool = Pool(parser, PixelLimits(**asdict(limits or Limits()), side=side), children)

    def decode(self, images: Iterable[Body]) -> list[Pixels | str]:
        """For each image its pixels (height x width x 3, RGB) or the reason why there are none, in the order of the images."""
        return [_pixels(answer) for answer in self._pool.read(("", image) for image in images)]

    def close(self) -> None:
        """Ends the children."""
        self._pool.close()


def _pixels(answer: Answer) -> Pixels | str:
    """The raw bytes of the answer as an array of the same memory, or the reason for none."""
    if answer.found is None:
        return str(answer.refused)
    shape = (int(str(answer.found["height"])), int(str(answer.found["width"])), _CHANNELS)
    return np.frombuffer(answer.raw, np.uint8).reshape(shape)
