"""Drawings of the sample lake: one shape an object, one pattern a style, on a pale ground."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw

SIDE = 64
PAINT = {
    "red": (206, 32, 38),
    "orange": (244, 134, 24),
    "yellow": (246, 214, 40),
    "green": (40, 150, 66),
    "blue": (34, 86, 196),
    "purple": (122, 46, 158),
    "pink": (244, 128, 178),
    "black": (28, 28, 30),
}
# Parts of a drawing on a grid of 100 x 100: e(llipse) and r(ectangle) with left, top, right, bottom; p(olygon) with x, y of its corners.
SHAPES = {
    "vase": "p 38 10 62 10 56 32 74 60 62 92 38 92 26 60 44 32",
    "lamp": "p 32 12 68 12 84 50 16 50; r 47 50 53 84; r 30 84 70 92",
    "mirror": "e 22 8 78 72; r 46 72 54 94",
    "teapot": "e 22 34 76 84; p 72 56 94 34 96 42 76 72; r 40 26 58 34; e 8 46 30 72",
    "pan": "e 6 36 62 80; r 58 54 98 62",
    "mug": "r 22 24 66 84; e 58 38 86 70",
    "dress": "p 40 8 60 8 58 38 84 92 16 92 42 38",
    "skirt": "p 36 22 64 22 90 82 10 82",
    "jacket": "p 32 14 68 14 94 38 84 56 72 46 72 90 28 90 28 46 16 56 6 38",
    "handbag": "r 14 44 86 88; e 30 12 70 60",
    "hat": "e 4 62 96 82; r 28 24 72 72",
    "boot": "p 32 8 60 8 60 58 92 72 92 90 32 90",
    "tree": "p 50 4 86 66 14 66; r 42 66 58 96",
    "flower": "e 36 6 64 34; e 14 22 42 50; e 58 22 86 50; e 36 38 64 66; r 47 60 53 96",
    "bench": "r 6 30 94 42; r 6 54 94 64; r 14 64 22 90; r 78 64 86 90",
    "cake": "r 12 52 88 88; r 24 30 76 52; r 47 8 53 30",
    "cookie": "e 12 12 88 88",
    "bread": "e 8 22 52 62; e 48 22 92 62; r 16 42 84 86",
    "pizza": "p 50 94 8 20 92 20; e 8 10 92 30",
    "soup": "p 6 44 94 44 76 86 24 86; e 6 32 94 54",
    "sandwich": "p 8 74 50 16 92 74; r 8 78 92 90",
    "kite": "p 50 4 82 40 50 78 18 40; r 48 78 52 98",
    "ball": "e 20 20 80 80",
    "robot": "r 32 6 68 34; r 22 38 78 78; r 30 78 42 96; r 58 78 70 96; r 6 42 20 68; r 80 42 94 68",
    "boat": "p 4 66 96 66 78 90 22 90; p 48 8 48 62 14 62; p 54 20 54 62 84 62",
    "tent": "p 50 14 96 86 62 86 50 56 38 86 4 86",
    "suitcase": "r 8 34 92 88; r 36 18 64 34",
    "guitar": "e 22 54 78 98; e 30 36 70 70; r 46 2 54 40",
    "drum": "e 12 20 88 44; r 12 32 88 76; e 12 64 88 88",
    "piano": "r 6 22 94 56; r 2 56 98 66; r 10 66 18 94; r 82 66 90 94",
    "cat": "p 22 6 38 26 62 26 78 6 82 52 18 52; e 16 18 84 66; e 28 56 72 98",
    "dog": "r 20 42 78 68; e 62 18 96 52; r 22 66 32 94; r 66 66 76 94; p 20 46 4 22 12 20 30 44",
    "fish": "e 6 28 72 72; p 64 50 96 24 96 76",
    "car": "p 4 56 20 52 34 30 68 30 82 52 96 56 96 74 4 74; e 16 62 38 86; e 62 62 84 86",
    "bicycle": "e 2 48 42 88; e 58 48 98 88; p 20 66 42 34 72 34 80 66 72 42 46 42",
    "train": "r 6 20 94 70; e 12 66 32 88; e 40 66 60 88; e 68 66 88 88; r 14 6 28 20",
}


def picture(shape: str, color: str, style: str, draw: int) -> bytes:
    """A PNG or JPEG file, about 64 x 64 pixels, of the object in that colour and style; the draw decides place, size and ground."""
    luck = random.Random(draw)
    size = (SIDE + luck.randrange(-6, 7), SIDE + luck.randrange(-6, 7))
    scale = luck.uniform(0.74, 0.92)
    offset = (luck.uniform(0.02, 0.98 - scale), luck.uniform(0.02, 0.98 - scale))
    mask = Image.new("L", size)
    _fill(ImageDraw.Draw(mask), SHAPES[shape], [(offset[axis] * size[axis], scale * size[axis] / 100) for axis in (0, 1)])
    ground = tuple(luck.randrange(214, 250) for _ in range(3))
    image = Image.new("RGB", size, ground)
    image.paste(_pattern(size, color, style), (0, 0), mask)
    out = io.BytesIO()
    if luck.random() < 0.35:
        image.save(out, "JPEG", quality=88)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def _fill(canvas: ImageDraw.ImageDraw, shape: str, axes: list[tuple[float, float]]) -> None:
    for part in shape.split(";"):
        kind, *grid = part.split()
        spots = [axes[i % 2][0] + float(number) * axes[i % 2][1] for i, number in enumerate(grid)]
        if kind == "p":
            canvas.polygon(spots, fill=255)
        elif kind == "e":
            canvas.ellipse(spots, fill=255)
        else:
            canvas.rectangle(spots, fill=255)


def _pattern(size: tuple[int, int], color: str, style: str) -> Image.Image:
    paint = PAINT[color]
    image = Image.new("RGB", size, paint)
    canvas, width, height = ImageDraw.Draw(image), *size
    light = (255, 255, 255)
    if style == "striped":
        for y in range(2, height, 10):
            canvas.rectangle([0, y, width, y + 3], fill=light)
    elif style == "dotted":
        for y in range(2, height, 11):
            for x in range(2, width, 11):
                canvas.ellipse([x, y, x + 5, y + 5], fill=light)
    elif style == "checked":
        for y in range(0, height, 8):
            for x in range(8 * (y // 8 % 2), width, 16):
                canvas.rectangle([x, y, x + 7, y + 7], fill=light)
    return image


def broken(data: bytes, draw: int) -> bytes:
    """A file that is no image any more: cut off, empty, or something else under an image's name."""
    return (data[: len(data) // 3], b"", b"<html><body>404</body></html>", bytes([137, 80, 78, 71]) + data[40:])[draw % 4]
