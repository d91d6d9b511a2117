"""Captions of images as the engine asks for them: files decoded in killable children while the model writes about those before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from models.captioning import Captioner
from models.dtypes import DTYPES
from models.generation import Generation
from udfs.engine.batching import Places
from udfs.engine.task import Columns, Prepared
from udfs.images.decoding import Decoder
from udfs.images.files import Files
from udfs.images.limits import Limits


class CaptionTask:
    """A captioner that is asked about (image, uri, image_hash): the file's bytes, or where they are and what they must be."""

    kind = pa.string()

    def __init__(self, captioner: Captioner, precision: str, decoder: Decoder) -> None:
        self.precision = precision
        self._captioner = captioner
        self._decoder = decoder

    def prepare(self, inputs: Columns) -> Prepared:
        """Pixels of every image that can be decoded; the others are refused with the reason."""
        images, uris, hashes = inputs
        refused: dict[int, str] = {}
        files: list[Any] = []
        for place in range(len(images)):
            found = images[place].as_buffer() if images[place].is_valid else _read(uris[place].as_py(), hashes[place].as_py())
            if isinstance(found, str):
                refused[place] = found
            files.append(b"" if isinstance(found, str) else found)
        pixels = self._decoder.decode(files)
        refused |= {place: found for place, found in enumerate(pixels) if isinstance(found, str) and place not in refused}
        return Prepared(pixels, np.ones(len(images), dtype=np.int32), refused)

    def batch(self, items: Any, places: Places) -> Any:
        """Tensors of the images at these places."""
        return self._captioner.inputs([items[place] for place in places])

    def run(self, batch: Any) -> pa.Array:
        """A caption an image."""
        return pa.array(self._captioner.captions(batch), pa.string())


def _read(uri: str | None, image_hash: str | None) -> bytes | str:
    """The bytes of a file that `signals.images` let pass, if they are still those; or the reason for none."""
    if uri is None:
        return "the image's bytes are not in raw.images any more"
    found = Files((uri.rpartition("/")[0],), Limits.most_bytes).read(uri)
    if isinstance(found, bytes) and hashlib.sha256(found).hexdigest() != image_hash:
        return "the file of the uri is not the one that arrived"
    return found


def load(folder: str, options: Mapping[str, Any], device: str, precision: str) -> CaptionTask:
    """The captioner of a folder, asked as the options say (`models.generation.Generation`)."""
    # The decoder's children start with the first images: a worker that is forked with the captioner has none of its own yet.
    return CaptionTask(Captioner.loaded(Path(folder), Generation(**options), device, DTYPES[precision]), precision, Decoder())
