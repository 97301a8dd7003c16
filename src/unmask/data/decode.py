"""Bytes to an upright RGB picture, with caps: the only way a picture enters the program."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from unmask.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_MEGAPIXELS = 50.0
MAX_MEGABYTES = 30.0
UNKNOWN_QUALITY = -1
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow's decoders raise all of these on damaged input.
_DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class Picture:
    """A decoded picture: RGB and upright, with the format and the JPEG quality (1..100, -1 unknown) it came in."""

    image: Image.Image
    format: str
    jpeg_quality: int


def decode_image(
    data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS, max_megabytes: float = MAX_MEGABYTES
) -> Image.Image:
    """Decode to RGB with the EXIF orientation applied.

    Raises:
        DataError: too large, not one of FORMATS, or damaged; the message is a short reason without a file name.
    """
    return decode_picture(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes).image


def decode_picture(
    data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS, max_megabytes: float = MAX_MEGABYTES
) -> Picture:
    """Decode as decode_image does and keep what the file says about its compression."""
    opened = _open(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes)
    try:
        opened.load()
        upright = _turn_upright(_to_rgb(opened), _orientation(opened))
    except _DECODER_ERRORS as error:
        raise DataError(f"damaged picture: {_short(error)}") from error
    return Picture(upright, "JPEG" if opened.format == "MPO" else str(opened.format), jpeg_quality(opened))


@contextmanager
def pillow_quiet() -> Iterator[None]:
    """Silence Pillow's warnings on damaged or huge files, process-wide: what matters of them becomes a reason."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def decode_mask(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> Image.Image:
    """Decode a mask to 8-bit grey; 255 marks what was altered.

    Raises:
        DataError: as decode_image.
    """
    opened = _open(data, max_megapixels=max_megapixels, max_megabytes=MAX_MEGABYTES)
    try:
        return opened.convert("L")
    except _DECODER_ERRORS as error:
        raise DataError(f"damaged mask: {_short(error)}") from error


def jpeg_quality(image: Image.Image) -> int:
    """Estimate the libjpeg quality setting (1..100) from the luminance quantisation table; -1 without one.

    The table of every setting is computed from the example table of the JPEG standard (ITU-T T.81, annex K.1)
    and the nearest in absolute difference is taken.
    """
    tables = getattr(image, "quantization", None)
    if not tables or 0 not in tables or len(tables[0]) != 64:
        return UNKNOWN_QUALITY
    distance = np.abs(_luminance_tables() - np.asarray(tables[0], dtype=np.int64)).sum(axis=1)
    return int(distance.argmin()) + 1


def _open(data: bytes, *, max_megapixels: float, max_megabytes: float) -> Image.Image:
    if len(data) > max_megabytes * 1e6:
        raise DataError(f"larger than {max_megabytes:g} MB")
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise DataError(f"more than {max_megapixels:g} megapixels") from None
    except _DECODER_ERRORS as error:
        raise DataError("not a JPEG, PNG, WebP, BMP or TIFF picture") from error
    if opened.width * opened.height > max_megapixels * 1e6:
        raise DataError(f"more than {max_megapixels:g} megapixels")
    return opened


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise DataError("floating-point pixels")
    if image.mode.startswith("I"):
        # Pillow clips 16-bit greys to 255 instead of scaling them.
        wide = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray((wide >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODER_ERRORS:
        return 1


def _turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


@cache
def _luminance_tables() -> npt.NDArray[np.int64]:
    base = np.array(
        [
            [16, 11, 10, 16, 24, 40, 51, 61],
            [12, 12, 14, 19, 26, 58, 60, 55],
            [14, 13, 16, 24, 40, 57, 69, 56],
            [14, 17, 22, 29, 51, 87, 80, 62],
            [18, 22, 37, 56, 68, 109, 103, 77],
            [24, 35, 55, 64, 81, 104, 113, 92],
            [49, 64, 78, 87, 103, 121, 120, 101],
            [72, 92, 95, 98, 112, 100, 103, 99],
        ],
        dtype=np.int64,
    ).ravel()
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = (base[None, :] * scale[:, None] + 50) // 100
    return np.asarray(scaled.clip(1, 255), dtype=np.int64)
