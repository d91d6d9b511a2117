"""What a child does with an image: checks its header, decodes it to RGB, scales it down.

An image is refused or right as a whole: a file that ends before its last pixel gives no pixels at all. Of a GIF and of other animations
only the first frame is read, so what follows it may be missing.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, MpoImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401

from udfs.images.limits import SIDE, Limits, PixelLimits, RefusedImage

# Loads the other formats' readers too, now, while no image's time runs.
Image.preinit()

# Phones store a JPEG with further pictures behind it (MPO): the first is the image.
_FORMATS = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_READ = ("JPEG", "PNG", "WEBP", "GIF")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_ORIENTATION = 0x0112
# EXIF 2.32, tag 274: how the stored picture has to be turned to be seen upright.
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
# JPEG can be decoded at a fraction of its size; at twice the wanted one, the filter that follows still decides what is seen.
_DECODED = 2


@dataclass(frozen=True)
class Header:
    """What is known of an image: its format, and its pixels as it is shown."""

    format: str
    width: int
    height: int


@dataclass(frozen=True)
class Size:
    """Pixels of a decoded image."""

    width: int
    height: int


def header(name: str, body: bytes, limits: Limits) -> Header:
    """The header of an image that can be decoded: it was, just as `pixels` does it. RefusedImage says why another cannot."""
    found, _ = _read(body, limits, SIDE)
    return found


def pixels(name: str, body: bytes, limits: PixelLimits) -> tuple[Size, bytes]:
    """The image as rows of RGB bytes, its longer side at most `limits.side`; RefusedImage says why there are none."""
    _, image = _read(body, limits, limits.side)
    return Size(*image.size), image.tobytes()


def _read(body: bytes, limits: Limits, side: int) -> tuple[Header, Image.Image]:
    """The header and the RGB image, upright, its longer side at most `side`."""
    if not body:
        raise RefusedImage("the image is empty")
    if not body.startswith(_MAGIC) and not (body.startswith(b"RIFF") and body[8:12] == b"WEBP"):
        raise RefusedImage("the bytes are no JPEG, PNG, WEBP or GIF")
    with _reasons(limits):
        # Pillow itself refuses what has more than twice this many pixels, for WEBP before it asks for memory.
        Image.MAX_IMAGE_PIXELS = limits.pixels / 2  # type: ignore[assignment]
        image = Image.open(io.BytesIO(body), formats=_READ)
        width, height = image.size
        if width * height > limits.pixels:
            raise Image.DecompressionBombError
        if image.format == "PNG":
            _check_chunks(body)
        target = _scaled(width, height, side)
        image.draft(None, (target[0] * _DECODED, target[1] * _DECODED))
        image.load()
        orientation = _orientation(image)
        rgb = _rgb(image)
    if target != (width, height):
        rgb = rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=_DECODED)
    if orientation in _TURNED:
        rgb = rgb.transpose(_TURNED[orientation])
    if orientation in _SIDEWAYS:
        width, height = height, width
    return Header(_FORMATS[str(image.format)], width, height), rgb


@contextmanager
def _reasons(limits: Limits) -> Iterator[None]:
    """Turns the errors of decoders into reasons; theirs hold addresses and differ from run to run."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise RefusedImage(f"the image has more than {limits.pixels} pixels") from error
    except UnidentifiedImageError as error:
        raise RefusedImage("the header of the image cannot be read") from error
    except RefusedImage:
        raise
    except (OSError, SyntaxError, ValueError) as error:
        raise RefusedImage("the image is truncated" if "truncated" in str(error).lower() else "the image cannot be decoded") from error


def _check_chunks(body: bytes) -> None:
    """RefusedImage where a PNG ends before its end chunk, or a chunk that its pixels depend on is damaged (PNG 3, section 5)."""
    position = len(_MAGIC[1])
    while True:
        start = position + 8
        end = start + int.from_bytes(body[position : position + 4], "big")
        if end + 4 > len(body):
            raise RefusedImage("the image is truncated")
        kind = body[position + 4 : start]
        critical = kind[0] & 0x20 == 0
        if critical and zlib.crc32(memoryview(body)[position + 4 : end]) != int.from_bytes(body[end : end + 4], "big"):
            raise RefusedImage("the image cannot be decoded")
        if kind == b"IEND":
            return
        position = end + 4


def _scaled(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with the longer side at most `side`; small images stay as they are."""
    longer = max(width, height)
    if longer <= side:
        return width, height
    return max(1, round(width * side / longer)), max(1, round(height * side / longer))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where there is none that can be read."""
    try:
        found = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - its parser raises anything; a photograph with broken notes is still one, as browsers show it
        return 1
    return found if isinstance(found, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    """The image as RGB, on white where it is transparent."""
    if image.mode.startswith("I"):
        # 16 bits of grey: converting would cut off what is above 255.
        return image.point(lambda value: value / 257).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground
