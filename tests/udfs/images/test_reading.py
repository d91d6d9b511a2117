from __future__ import annotations

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image

from tests.poison.pictures import encoded, flat_png, good, picture, png
from udfs.images.limits import Limits, PixelLimits, RefusedImage
from udfs.images.reading import Header, header, pixels

LIMITS = PixelLimits(side=64)


def reason(data: bytes, limits: Limits = LIMITS) -> str:
    """Why an image is refused; empty where it is not."""
    try:
        header("", data, limits)
    except RefusedImage as refusal:
        return str(refusal)
    return ""


def rgb(data: bytes, side: int = 64) -> np.ndarray:
    """The pixels of an image (height x width x 3)."""
    size, raw = pixels("", data, PixelLimits(side=side))
    return np.frombuffer(raw, np.uint8).reshape(size.height, size.width, 3)


def test_every_format_and_mode_has_its_header() -> None:
    found = {name: header("", data, LIMITS) for name, data in good().items()}
    assert {name: one.format for name, one in found.items()} == {name: name.split()[0] for name in found}
    sizes = {name: (one.width, one.height) for name, one in found.items()}
    special = {"png 16 bits": (4, 1), "jpeg turned": (36, 48)}
    assert sizes == {name: special.get(name, (48, 36)) for name in found}


def test_every_format_and_mode_ends_as_the_rgb_pixels_that_are_seen() -> None:
    given = picture()
    expected, grey = np.asarray(given), np.asarray(given.convert("L").convert("RGB"))
    palette = np.asarray(given.quantize(16).convert("RGB"))
    alpha = np.asarray(Image.linear_gradient("L").resize(given.size), dtype=float)[:, :, None] / 255
    on_white, grey_on_white = (255 + (seen - 255.0) * alpha for seen in (expected, grey))
    # A few steps of 255 where a file is lossy; a palette or inks lose more of a picture than of its mean.
    cases = {
        "png": (expected, 0),
        "png grey": (grey, 0),
        "png bits": (np.asarray(given.convert("1").convert("RGB")), 0),
        "png palette": (palette, 0),
        "png alpha": (on_white, 1),
        "png grey alpha": (grey_on_white, 1),
        "png moving": (expected, 0),
        "jpeg": (expected, 24),
        "jpeg progressive": (expected, 24),
        "jpeg grey": (grey, 6),
        "jpeg inks": (expected, 12),
        "jpeg turned": (np.asarray(given.rotate(-90, expand=True)), 24),
        "jpeg of a phone": (expected, 24),
        "webp": (expected, 24),
        "webp lossless alpha": (on_white, 1),
        "webp moving": (expected, 24),
        "gif": (expected, 20),
        "gif moving": (expected, 20),
    }
    for name, (wanted, tolerance) in cases.items():
        off = np.abs(rgb(good()[name]).astype(float) - wanted)
        assert off.max() <= tolerance, name
        assert off.mean() <= tolerance / 3, name


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    assert rgb(good()["png 16 bits"])[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_clear_colour_of_a_palette_is_white() -> None:
    opaque, clear = rgb(good()["png palette"]), rgb(good()["png clear palette"])
    changed = (opaque != clear).any(axis=2)
    assert changed.any()
    assert (clear[changed] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_the_camera_was(orientation: int) -> None:
    notes = Image.Exif()
    notes[0x0112] = orientation
    given = picture().resize((20, 10))
    file = encoded(given, "PNG", exif=notes)
    seen = {1: given, 2: given.transpose(0), 3: given.rotate(180), 4: given.transpose(1)}
    seen |= {5: given.transpose(5), 6: given.rotate(-90, expand=True), 7: given.transpose(6), 8: given.rotate(90, expand=True)}
    assert (rgb(file) == np.asarray(seen[orientation])).all()
    found = header("", file, LIMITS)
    assert (found.width, found.height) == seen[orientation].size


def test_broken_notes_of_a_camera_leave_the_image_upright() -> None:
    plain = good()["jpeg"]
    draw = random.Random(1)
    for kind in (b"II*\0", b"MM\0*", b"????"):
        for _ in range(20):
            notes = b"Exif\0\0" + kind + draw.randbytes(60)
            file = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + plain[2:]
            size, _ = pixels("", file, LIMITS)
            assert sorted((size.width, size.height)) == [36, 48]


def test_only_what_is_larger_than_wanted_is_scaled_down_and_its_colours_stay() -> None:
    assert rgb(good()["png"]).shape == (36, 48, 3)
    for kind, more in (("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})):
        large = encoded(picture(1_500, 700), kind, **more)
        seen = rgb(large, side=300)
        assert seen.shape == (140, 300, 3)
        assert np.abs(seen.astype(int) - np.asarray(picture(1_500, 700).resize((300, 140), Image.Resampling.BOX))).mean() < 3
        assert header("", large, LIMITS) == Header(kind.lower(), 1_500, 700)
    assert rgb(encoded(picture(3_000, 1), "PNG"), side=64).shape == (1, 64, 3)


def test_every_image_that_ends_too_early_is_refused_at_whatever_byte() -> None:
    # Of a GIF and of what stands behind a phone's first picture, only the first frame is read; the end mark of a JPEG is no pixel.
    end_mark = {"jpeg": 2, "jpeg grey": 2, "jpeg inks": 2, "jpeg turned": 2}
    whole = [name for name in good() if not name.startswith("gif") and name != "jpeg of a phone"]
    for name in whole:
        data = good()[name]
        size = len(data) - end_mark.get(name, 0)
        ends = {*range(0, size, 1 + size // 150), *range(size - 24, size)}
        accepted = [end for end in sorted(ends) if not reason(data[:end])]
        assert accepted == [], name
    first = len(good()["gif"]) - 2  # without the end of the frame's data and of the file
    assert [end for end in range(first) if not reason(good()["gif"][:end])] == []


def test_a_refusal_says_why_and_never_more() -> None:
    whole = good()["png"]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    other = io.BytesIO()
    picture().save(other, "TIFF")
    cases = {
        b"": "the image is empty",
        b"<html>404</html>": "the bytes are no JPEG, PNG, WEBP or GIF",
        other.getvalue(): "the bytes are no JPEG, PNG, WEBP or GIF",
        encoded(picture(), "BMP"): "the bytes are no JPEG, PNG, WEBP or GIF",
        whole[:8]: "the header of the image cannot be read",
        whole[: len(whole) // 2]: "the image is truncated",
        whole[:-1]: "the image is truncated",
        bytes(flipped): "the image cannot be decoded",
        flat_png(5_000, 5_001): "the image has more than 25000000 pixels",
        good()["webp"][:40]: "the image cannot be decoded",
    }
    assert {data: reason(data) for data in cases} == cases


def test_the_limit_of_pixels_is_exact() -> None:
    ten = png(5, 2, data=bytes.fromhex("789c6300020000050001"), bits=1)
    assert reason(flat_png(5, 2), Limits(pixels=10)) == ""
    assert reason(flat_png(5, 2), Limits(pixels=9)) == "the image has more than 9 pixels"
    assert reason(flat_png(11, 1), Limits(pixels=11)) == ""
    assert reason(ten, Limits(pixels=9)) == "the image has more than 9 pixels", "before any pixel is decoded"


def test_words_behind_the_end_are_no_fault_of_an_image() -> None:
    assert {name: reason(data + b"words") for name, data in good().items()} == dict.fromkeys(good(), "")
