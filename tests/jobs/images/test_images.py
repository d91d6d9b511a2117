from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import registry
from jobs.days import Days
from jobs.images.images import ImageParams, build
from schemas import raw, signals
from tests.poison.pictures import flat_png, good
from tests.replay import frame, replay

DAY = "2026-01-05"
PNG = good()["png"]


def images(spark: SparkSession, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Rows of raw.images, on one day unless they say another."""
    return frame(spark, raw.IMAGES, [{"ds": DAY} | dict(row) for row in rows])


def test_every_image_ends_as_a_header_or_as_a_refusal_with_its_reason(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(good()["webp"])
    (tmp_path / "broken.gif").write_bytes(good()["gif"][:-200])
    params = ImageParams(image_bytes=100_000, pixels=2_000, uri_roots=(str(tmp_path),))
    outside = "the image is not in the row, and its uri is outside the param uri_roots"
    cases: dict[str, tuple[bytes | None, str | None, tuple[Any, ...]]] = {
        "png": (PNG, None, ("png", 48, 36, None)),
        "turned": (good()["jpeg turned"], None, ("jpeg", 36, 48, None)),
        "both": (PNG, "/nowhere", ("png", 48, 36, None)),
        "file": (None, f"{tmp_path}/a.webp", ("webp", 48, 36, None)),
        "broken file": (None, f"{tmp_path}/broken.gif", (None, None, None, "the image is truncated")),
        "no file": (None, f"{tmp_path}/none", (None, None, None, "the uri names no file")),
        "elsewhere": (None, "http://host/a.png", (None, None, None, outside)),
        "nothing": (None, None, (None, None, None, "the row has neither bytes nor a uri")),
        "empty": (b"", None, (None, None, None, "the image is empty")),
        "page": (b"<html>404</html>", None, (None, None, None, "the bytes are no JPEG, PNG, WEBP or GIF")),
        "cut": (PNG[:-20], None, (None, None, None, "the image is truncated")),
        "many pixels": (flat_png(50, 41), None, (None, None, None, "the image has more than 2000 pixels")),
        "many bytes": (PNG + bytes(100_000), None, (None, None, None, "the image is larger than 100000 bytes")),
        " ": (PNG, None, ("png", 48, 36, "the image_id is missing")),
    }
    given = images(spark, [{"image_id": name, "image": image, "uri": uri} for name, (image, uri, _) in cases.items()])
    wrong = F.unhex(F.lit("2Fff00")).cast("string")  # a string of Spark may hold any bytes
    odd = given.where("image_id = 'nothing'").withColumns({"image_id": F.lit("odd"), "uri": wrong})
    rows = build(given.unionByName(odd), params).collect()
    assert len(rows) == len(cases) + 1, "one-to-one"
    found = {row.image_id: row for row in rows}
    assert {n: (found[n].format, found[n].width, found[n].height, found[n].refused) for n in cases} == {n: c[2] for n, c in cases.items()}
    assert found["odd"].refused == outside
    assert {n for n in cases if found[n].image_hash is None} == {"no file", "elsewhere", "nothing"}
    assert found["png"].image_hash == hashlib.sha256(PNG).hexdigest()
    assert found["file"].image_hash == hashlib.sha256(good()["webp"]).hexdigest()
    assert {row.bytes_ds for row in rows} == {DAY}
    for row in rows:
        assert (row.refused is None) == (row.refused_key is None)
    assert json.loads(found["cut"].refused_key) == {"ds": DAY, "image_id": "cut", "image_hash": hashlib.sha256(PNG[:-20]).hexdigest()}


def test_the_columns_are_those_of_the_contract(spark: SparkSession) -> None:
    rows = build(images(spark, []), ImageParams())
    types = {c.name: c.type for c in signals.IMAGES.fields if c.name != "changed"}
    assert rows.columns == [*types, "refused", "refused_key"]
    assert {field.name: field.dataType.simpleString() for field in rows.schema if field.name in types} == types


def test_an_image_keeps_its_older_row_where_a_newer_one_is_refused(spark: SparkSession) -> None:
    given = [
        {"ds": "2026-01-30", "image_id": "a", "image": PNG},
        {"ds": "2026-01-30", "image_id": "b", "image": PNG[:99]},
        {"ds": "2026-01-31", "image_id": "a", "image": PNG[:99]},
        {"ds": "2026-02-02", "image_id": "a", "image": good()["gif"]},
        {"ds": "2026-02-02", "image_id": "b", "image": PNG},
    ]
    steps = [Days("2026-01-30", "2026-01-31"), Days("2026-02-01", "2026-02-02")]
    stored = replay(spark, [registry.job("images")], {raw.IMAGES: images(spark, given)}, steps)[signals.IMAGES]
    assert sorted((r.ds, r.image_id, r.format, r.bytes_ds, r.changed) for r in stored.collect()) == [
        ("2026-01-30", "a", "png", "2026-01-30", True),
        ("2026-02-01", "a", "png", "2026-01-30", False),
        ("2026-02-02", "a", "gif", "2026-02-02", True),
        ("2026-02-02", "b", "png", "2026-02-02", True),
    ]


def test_a_root_that_is_no_folder_is_a_mistake_of_the_parameters() -> None:
    with pytest.raises(ValueError, match="'https://host' is no root of files"):
        ImageParams(uri_roots=("https://host",))
