"""Images: good files in every format and mode, files that are damaged in every way, and bombs."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image

MEGA = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, kind: str, **more: object) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def picture(width: int = 48, height: int = 36) -> Image.Image:
    """A picture in which every pixel differs from its neighbours and red, green and blue from each other."""
    red = Image.linear_gradient("L").resize((width, height))
    green = red.transpose(Image.Transpose.ROTATE_180)
    blue = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (red, green, blue))


@cache
def good() -> dict[str, bytes]:
    """A file of each format and mode that is an image."""
    rgb = picture()
    clear = rgb.copy()
    clear.putalpha(Image.linear_gradient("L").resize(rgb.size))
    grey16 = Image.frombytes("I;16", (4, 1), struct.pack("<4H", 0, 257, 32_896, 65_535))
    turned = Image.Exif()
    turned[0x0112] = 6
    moving = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    return {
        "png": encoded(rgb, "PNG"),
        "png grey": encoded(rgb.convert("L"), "PNG"),
        "png bits": encoded(rgb.convert("1"), "PNG"),
        "png palette": encoded(rgb.quantize(16), "PNG"),
        "png clear palette": encoded(rgb.quantize(16), "PNG", transparency=3),
        "png alpha": encoded(clear, "PNG"),
        "png grey alpha": encoded(clear.convert("LA"), "PNG"),
        "png 16 bits": encoded(grey16, "PNG"),
        "png moving": encoded(rgb, "PNG", **moving),
        "jpeg": encoded(rgb, "JPEG"),
        "jpeg progressive": encoded(rgb, "JPEG", progressive=True),
        "jpeg grey": encoded(rgb.convert("L"), "JPEG"),
        "jpeg inks": encoded(rgb.convert("CMYK"), "JPEG"),
        "jpeg turned": encoded(rgb, "JPEG", exif=turned),
        "jpeg of a phone": encoded(rgb, "MPO", save_all=True, append_images=[rgb.rotate(90)]),
        "webp": encoded(rgb, "WEBP"),
        "webp lossless alpha": encoded(clear, "WEBP", lossless=True),
        "webp moving": encoded(rgb, "WEBP", **moving),
        "gif": encoded(rgb, "GIF"),
        "gif moving": encoded(rgb, "GIF", **moving),
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *others: bytes, data: bytes = b"", bits: int = 1) -> bytes:
    """A grey PNG with other chunks before its pixels; without data, pixels of a single line."""
    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return (
        _PNG + chunk(b"IHDR", head) + b"".join(others) + chunk(b"IDAT", data or zlib.compress(bytes(width // 8 + 2))) + chunk(b"IEND", b"")
    )


def flat_png(width: int, height: int) -> bytes:
    """A whole black PNG of one bit a pixel."""
    return png(width, height, data=zlib.compress(bytes((width + 7) // 8 + 1) * height, 9))


def gif(width: int, height: int, *blocks: bytes, frame: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF of a canvas with one frame that has the data of a single pixel, other blocks before it."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"".join(blocks) + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00;"


def webp(kind: bytes, data: bytes, *others: bytes) -> bytes:
    """A WEBP file of chunks."""
    chunks = kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) + b"".join(others)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def huge_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header says another size than its pixels have."""
    data = bytearray(good()["jpeg grey"])
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def endless_jpeg(scans: int) -> bytes:
    """A progressive JPEG of 16 megapixels whose last scan is there again and again: each costs a walk over all pixels, and no bytes."""
    data = encoded(Image.new("L", (4_000, 4_000)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    tables = data.rindex(b"\xff\xc4", 0, last)
    start = tables if data.find(b"\xff\xda", tables, last) < 0 else last
    return data[:-2] + data[start:-2] * scans + data[-2:]


@cache
def _zeros(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes << 20), 9)


@cache
def bombs() -> dict[str, tuple[bytes, str]]:
    """Small files that would cost much, by name, each with a pattern of the reason for which it has to be refused."""
    pixels, broken = "more than 25000000 pixels", "cannot be decoded"
    canvas = struct.pack("<I", 0x02) + (16_382).to_bytes(3, "little") * 2
    lossless = b"\x2f" + struct.pack("<I", 16_383 - 1 | (16_383 - 1) << 14) + bytes(20)
    texts = [chunk(b"zTXt", b"k%d\0\0" % n + _zeros(1)) for n in range(70)]
    return {
        "169 megapixels in 20 kB": (flat_png(13_000, 13_000), pixels),
        "a png just too large": (flat_png(5_000, 5_001), pixels),
        "a png of 4 billion by 4 billion": (png(2**31 - 1, 2**31 - 1, data=b"x"), pixels),
        "a png as high as it can be": (png(1, 2**31 - 1), pixels),
        "a colour profile of 64 MB": (png(8, 8, chunk(b"iCCP", b"p\0\0" + _zeros(64))), broken),
        "a text of 64 MB": (png(8, 8, chunk(b"zTXt", b"k\0\0" + _zeros(64))), broken),
        "an international text of 64 MB": (png(8, 8, chunk(b"iTXt", b"k\0\1\0\0\0" + _zeros(64))), broken),
        "seventy texts of 1 MB": (png(8, 8, *texts), broken),
        "a gif's canvas": (gif(65_535, 65_535), pixels),
        "a gif's frame": (gif(1, 1, frame=(65_535, 65_535)), pixels),
        "a jpeg's size": (huge_jpeg(65_500, 65_500), pixels),
        "a jpeg as wide as it can be": (huge_jpeg(65_500, 400), pixels),
        "a webp's canvas": (webp(b"VP8X", canvas), pixels),
        "a lossless webp's size": (webp(b"VP8L", lossless), pixels),
        "a jpeg that is decoded again and again": (endless_jpeg(40_000), "took longer than"),
        "larger than any image": (good()["png"] + bytes(21 << 20), "larger than"),
    }


def _cut(data: bytes, draw: random.Random) -> bytes:
    near = draw.choice((12, 30, 100, len(data)))
    return data[: draw.choice((draw.randrange(min(near, len(data))), len(data) - draw.randint(1, 12)))]


def _flipped(data: bytes, draw: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 3, 20))):
        out[draw.randrange(draw.choice((len(out), min(len(out), 60))))] ^= 1 << draw.randrange(8)
    return bytes(out)


def _overwritten(data: bytes, draw: random.Random) -> bytes:
    start, length = draw.randrange(len(data)), draw.randint(1, 200)
    return data[:start] + draw.choice((bytes(length), b"\xff" * length, draw.randbytes(length))) + data[start + length :]


def _lying(data: bytes, draw: random.Random) -> bytes:
    other = draw.choice(sorted(good().values()))
    length = draw.choice((2, 4, 8, 12, 30))
    return other[:length] + data[length:]


def _absurd(data: bytes, draw: random.Random) -> bytes:
    width, height = (draw.choice((0, 1, 7, 5_000, 30_000, 65_535)) for _ in range(2))
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: png(width, height),
        lambda: gif(width, height, frame=(height, width)),
        lambda: huge_jpeg(width, height),
        lambda: webp(b"VP8X", bytes(4) + width.to_bytes(3, "little") + height.to_bytes(3, "little")),
    )
    return draw.choice(makers)()


def _laden(data: bytes, draw: random.Random) -> bytes:
    filling = draw.choice((bytes, draw.randbytes))(draw.choice((10, 60_000, 300_000)))
    kind = draw.choice((b"tEXt", b"iCCP", b"eXIf", b"zTXt", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"gAMA", b"prIv"))
    segment = b"\xff" + bytes([draw.randint(0xE0, 0xEF)]) + struct.pack(">H", min(len(filling), 65_000) + 2) + filling[:65_000]
    exif = b"\xff\xe1" + struct.pack(">H", 208) + b"Exif\0\0" + draw.choice((b"II*\0", b"MM\0*")) + draw.randbytes(196)
    comment = b"\x21\xfe" + (b"\xff" + bytes(255)) * draw.choice((1, 500)) + b"\0"
    return draw.choice(
        (
            png(8, 8, chunk(kind, filling)),
            data[:2] + segment * draw.choice((1, 5)) + data[2:],
            data[:2] + exif + data[2:],
            gif(8, 8, comment * draw.choice((1, 10))),
            data + filling,
        )
    )


def _nothing(data: bytes, draw: random.Random) -> bytes:
    size = draw.choice((1, 3, 12, 5_000))
    other = (b"<html><body>404</body></html>", b"%PDF-1.7", b"BM" + data)
    return draw.choice((b"", bytes(size), draw.randbytes(size), data[:3], data[::-1], *other))


DAMAGES = (_cut, _flipped, _overwritten, _lying, _absurd, _laden, _nothing)


def damaged(draw: random.Random) -> bytes:
    """A file to which something has happened; a few are still images."""
    return draw.choice(DAMAGES)(draw.choice(sorted(good().values())), draw)
