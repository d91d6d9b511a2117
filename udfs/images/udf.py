"""The operator that reads the headers of images on executors; each image is decoded once too, so that a broken one is known now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from udfs.children.pool import Body, Parser, of_this_process
from udfs.children.strings import readable
from udfs.images.files import Files
from udfs.images.limits import Limits

PARSER = "udfs.images.reading:header"
FIELDS = {"image_hash": "string", "format": "string", "width": "int", "height": "int", "refused": "string"}
_BYTES = ("image", "uri")


def read_headers(images: DataFrame, limits: Limits, roots: tuple[str, ...] = (), parser: str = PARSER, children: int = 1) -> DataFrame:
    """The rows of `images` (`image`, `uri` and any others) with `FIELDS` in place of the bytes and where they are.

    `image_hash` is there for all bytes that were read. `refused` is null exactly where the image can be decoded. A uri is read where the
    row has no bytes and one of the roots allows it (udfs/images/files.py).
    """
    kept = [field for field in images.schema if field.name not in _BYTES]
    said = [T.StructField(name, T.IntegerType() if kind == "int" else T.StringType()) for name, kind in FIELDS.items()]
    read = partial(_answered, limits=limits, roots=roots, parser=parser, children=children)
    return images.mapInArrow(read, T.StructType([*kept, *said]))


def _answered(
    batches: Iterable[pa.RecordBatch], limits: Limits, roots: tuple[str, ...], parser: str, children: int
) -> Iterator[pa.RecordBatch]:
    """The batches with what is known of the images in place of them."""
    pool = of_this_process(Parser(parser, "image"), limits, children)
    files = Files(roots, limits.most_bytes)
    for batch in batches:
        found: list[dict[str, object]] = [{} for _ in range(batch.num_rows)]
        asked: list[int] = []
        for row, answer in zip(asked, pool.read(_readable(batch, files, found, asked)), strict=True):
            found[row] |= answer.found or {"refused": answer.refused}
        columns = {name: batch.column(name) for name in batch.schema.names if name not in _BYTES}
        columns |= {name: pa.array([one.get(name) for one in found], _arrow(kind)) for name, kind in FIELDS.items()}
        yield pa.RecordBatch.from_pydict(columns)


def _readable(batch: pa.RecordBatch, files: Files, found: list[dict[str, object]], asked: list[int]) -> Iterator[tuple[str, Body]]:
    """The images of a batch that there are bytes of, one at a time; notes their rows in `asked`, hashes and refusals in `found`."""
    for row, (image, uri) in enumerate(zip(batch.column("image"), batch.column("uri"), strict=True)):
        body = _body(image, uri, files)
        if isinstance(body, str):
            found[row]["refused"] = body
        else:
            found[row]["image_hash"] = hashlib.sha256(body).hexdigest()
            asked.append(row)
            yield "", body


def _body(image: pa.Scalar, uri: pa.Scalar, files: Files) -> Body | str:
    """The bytes of an image, not copied where the batch holds them; or the reason for none."""
    if image.is_valid:
        return memoryview(image.as_buffer())
    name = readable(uri)
    return "the row has neither bytes nor a uri" if name is None else files.read(name)


def _arrow(kind: str) -> pa.DataType:
    return pa.int32() if kind == "int" else pa.string()
