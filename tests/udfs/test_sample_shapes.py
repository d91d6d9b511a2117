"""Drawings of the sample lake: small files that show their object, colour and style."""

from __future__ import annotations

import io

import pytest
from PIL import Image, UnidentifiedImageError

from udfs.sample_shapes import PAINT, SHAPES, broken, picture


def _image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _pixels(data: bytes) -> list[tuple[int, ...]]:
    flat = _image(data).tobytes()
    return [tuple(flat[i : i + 3]) for i in range(0, len(flat), 3)]


def test_there_are_at_least_ten_shapes_and_eight_colours() -> None:
    assert len(set(SHAPES.values())) == len(SHAPES) >= 10
    assert len(set(PAINT.values())) == len(PAINT) >= 8


@pytest.mark.parametrize("color", sorted(PAINT))
def test_the_paint_of_a_colour_is_what_most_of_the_object_shows(color: str) -> None:
    pixels = _pixels(picture("ball", color, "plain", 5))
    near = sum(max(abs(a - b) for a, b in zip(pixel, PAINT[color], strict=True)) < 24 for pixel in pixels)
    assert 0.1 < near / len(pixels) < 0.6


@pytest.mark.parametrize("style", ["plain", "striped", "dotted", "checked"])
def test_only_a_pattern_has_white_in_it(style: str) -> None:
    pixels = _pixels(picture("dress", "black", style, 2))
    white = sum(min(pixel) > 252 for pixel in pixels)
    assert (white > 20) == (style != "plain")


def test_all_objects_can_be_drawn_small_and_differ_by_shape() -> None:
    files = {name: picture(name, "red", "plain", 12) for name in SHAPES}
    assert all(50 < _image(data).width < 80 for data in files.values())
    assert len(set(files.values())) == len(files)
    assert max(len(data) for data in files.values()) < 5000


def test_a_broken_file_is_not_an_image() -> None:
    data = picture("cat", "blue", "dotted", 8)
    for draw in range(4):
        spoilt = broken(data, draw)
        with pytest.raises((UnidentifiedImageError, OSError), match="cannot identify|truncated|broken|unrecognized"):
            Image.open(io.BytesIO(spoilt)).load()
