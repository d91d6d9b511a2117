"""Arrow UDFs of the sample lake: images, web pages, and vectors that are correlated with a subject."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.types import ArrayType, BinaryType, FloatType

from udfs.sample_pages import garbage, page
from udfs.sample_shapes import broken, picture

DIMENSIONS, BITS = 256, 1024
# How much topic, object, colour and style weigh in a vector, and what is left to noise.
WEIGHTS = (0.45, 0.65, 0.3, 0.2)
NOISE = 0.55

Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]


@arrow_udf(BinaryType())  # type: ignore[call-overload]
def drawn_image(shape: pa.Array, color: pa.Array, style: pa.Array, draw: pa.Array, corrupt: pa.Array) -> pa.Array:
    """The bytes of a drawing of a shape, or of a broken file where `corrupt`."""
    files = []
    for thing, paint, pattern, luck, bad in zip(*(column.to_pylist() for column in (shape, color, style, draw, corrupt)), strict=True):
        data = picture(thing, paint, pattern, luck)
        files.append(broken(data, luck) if bad else data)
    return pa.array(files, pa.binary())


@arrow_udf(BinaryType())  # type: ignore[call-overload]
def written_page(
    title: pa.Array,
    description: pa.Array,
    paragraphs: pa.Array,
    language: pa.Array,
    kind: pa.Array,
    status: pa.Array,
    spoilt: pa.Array,
    draw: pa.Array,
) -> pa.Array:
    """The bytes of a page with that title and description, or garbage where `spoilt`."""
    pages = []
    columns = (title, description, paragraphs, language, kind, status, spoilt, draw)
    for named, told, text, spoken, sort, answer, bad, luck in zip(*(column.to_pylist() for column in columns), strict=True):
        data = page(named, told, text, spoken, sort, answer, luck)
        pages.append(garbage(data, luck) if bad else data)
    return pa.array(pages, pa.binary())


@arrow_udf(ArrayType(FloatType()))  # type: ignore[call-overload]
def subject_vector(space: pa.Array, noise: pa.Array, topic: pa.Array, thing: pa.Array, color: pa.Array, style: pa.Array) -> pa.Array:
    """A unit vector of 256 numbers in a space (one number a space): the same subject gives near vectors; a null attribute adds nothing."""
    directed = _directed(space, noise, (topic, thing, color, style), DIMENSIONS)
    length = np.sqrt((directed * directed).sum(axis=1, keepdims=True))
    flat = pa.array((directed / length).astype(np.float32).ravel())
    return pa.ListArray.from_arrays(pa.array(np.arange(len(directed) + 1, dtype=np.int32) * DIMENSIONS), flat)


@arrow_udf(BinaryType())  # type: ignore[call-overload]
def subject_bits(space: pa.Array, noise: pa.Array, topic: pa.Array, thing: pa.Array, color: pa.Array, style: pa.Array) -> pa.Array:
    """1024 bits (most significant first): the signs of a vector of the subject."""
    packed = np.packbits(_directed(space, noise, (topic, thing, color, style), BITS) > 0, axis=1)
    return pa.array([row.tobytes() for row in packed], pa.binary())


def _directed(space: pa.Array, noise: pa.Array, subject: tuple[pa.Array, ...], size: int) -> Floats:
    """Vectors (rows x size): weighted directions of the subject's parts, plus noise."""
    spaces = space.to_numpy(zero_copy_only=False)
    keys = noise.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    total: Floats = NOISE * _uniform(keys, size)
    for part, (weight, column) in enumerate(zip(WEIGHTS, subject, strict=True)):
        values = np.asarray(column.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        for one in np.unique(spaces):
            for value in np.unique(values[spaces == one]):
                if value >= 0:
                    total[(spaces == one) & (values == value)] += weight * _direction(int(one), part, int(value), size)
    return total


@lru_cache(maxsize=2048)
def _direction(space: int, part: int, value: int, size: int) -> Floats:
    """The direction of one topic, object, colour or style in a space."""
    key = np.array([(space + (part + 1) * 1_000_003 + value * 7_919) & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64)
    direction: Floats = _uniform(key, size)[0]
    return direction


def _uniform(keys: Hashes, size: int) -> Floats:
    """Numbers from -1 to 1 (keys x size) that depend on the key and the place only: splitmix64 as a counter-based generator."""
    step = np.uint64(0x9E37_79B9_7F4A_7C15)
    with np.errstate(over="ignore"):
        state = _mixed(keys)[:, None] + step * np.arange(1, size + 1, dtype=np.uint64)[None, :]
        return (_mixed(state) >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def _mixed(state: Hashes) -> Hashes:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return state ^ (state >> np.uint64(31))
