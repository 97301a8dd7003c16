"""Bytes to an upright sRGB picture, with caps: the only way a picture enters the program."""

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from unmask.data.colour import profile_name, to_srgb
from unmask.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_MEGAPIXELS = 50.0
MAX_MEGABYTES = 30.0
MAX_EXIF_BYTES = 1_000_000
MAX_FRACTIONS = 10_000
UNKNOWN_QUALITY = -1
_ORIENTATION_TAG = 0x0112
_EXIF_SEGMENT = b"Exif\x00\x00"
_EXIF_SEGMENT_BYTES = 65_533
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1", (4, 2): "4:1:0"}
# By the first four bytes of a TIFF: place of the directory, number of its entries, tag, type and count of an entry.
_TIFF_LAYOUTS = {
    order + mark: tuple(map(struct.Struct, (sign + "4xI", sign + "H", sign + "HHI4x")))
    for order, mark, sign in ((b"II", b"*\0", "<"), (b"MM", b"\0*", ">"))
} | {
    order + mark: tuple(map(struct.Struct, (sign + "8xQ", sign + "Q", sign + "HHQ8x")))
    for order, mark, sign in ((b"II", b"+\0", "<"), (b"MM", b"\0+", ">"))
}
_TIFF_FRACTIONS = (5, 10)
# What people take for pictures, by how it begins: telling them so saves them a search.
_LOOKALIKES = (
    (b"gif8", "a GIF (make it a PNG, or a clip where it moves)"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"ftyp", "a HEIC or AVIF picture, or a clip"),
    (b"<?xml", "an XML or SVG file"),
    (b"<svg", "an XML or SVG file"),
    (b"%pdf", "a PDF"),
)
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
    """A decoded picture: sRGB and upright, and the history that its file tells.

    FORMAT is one of FORMATS and MODE is Pillow's name of what the file stores ("L", "P", "I;16", "CMYK", ...).
    JPEG_QUALITY is 1..100 or -1 where unknown; QUANTISATION the first 8 hex of the SHA-256 of all quantisation
    tables and SUBSAMPLING that of colour ("4:2:0", "other"), both "" without; PROFILE the colour profile's name or "".
    """

    image: Image.Image
    format: str
    mode: str
    jpeg_quality: int
    quantisation: str
    subsampling: str
    profile: str


def decode_image(
    data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS, max_megabytes: float = MAX_MEGABYTES
) -> Image.Image:
    """Decode to sRGB with the orientation of EXIF or XMP applied; what is transparent lies over white.

    Raises:
        DataError: too large, not one of FORMATS, more than one picture, or damaged; the message is a short reason
            without a file name.
    """
    return decode_picture(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes).image


def decode_picture(
    data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS, max_megabytes: float = MAX_MEGABYTES
) -> Picture:
    """Decode as decode_image does and keep what the file says about its history."""
    opened = _open(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes)
    mode = opened.mode
    try:
        opened.load()
        upright = _turn_upright(_to_rgb(opened), _orientation(opened))
    except _DECODER_ERRORS as error:
        raise DataError(f"damaged picture: {_short(error)}") from error
    # Else a copy that is saved would carry the profile on, and be converted once more.
    upright.info = {}
    profile = _profile(opened)
    return Picture(
        image=upright,
        format="JPEG" if opened.format == "MPO" else str(opened.format),
        mode=mode,
        jpeg_quality=jpeg_quality(opened),
        quantisation=_quantisation(opened),
        subsampling=_subsampling(opened),
        profile=profile_name(profile) if profile else "",
    )


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
        return _eight_bits(opened).convert("L")
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
    # Opening a JPEG already makes numbers of its EXIF block, which may be spread over any number of segments.
    if data.startswith(b"\xff\xd8") and data.count(_EXIF_SEGMENT) * _EXIF_SEGMENT_BYTES > MAX_EXIF_BYTES:
        raise DataError(f"more than {MAX_EXIF_BYTES / 1e6:g} MB of EXIF")
    _check_fractions(data)
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise DataError(f"more than {max_megapixels:g} megapixels") from None
    except UnidentifiedImageError as error:
        raise DataError(_not_a_picture(data)) from error
    except _DECODER_ERRORS as error:
        raise DataError(f"damaged picture: {_short(error)}") from error
    if opened.width * opened.height > max_megapixels * 1e6:
        raise DataError(f"more than {max_megapixels:g} megapixels")
    # An MPO's further pictures are other views of its first.
    if getattr(opened, "is_animated", False) and opened.format != "MPO":
        raise DataError("animated picture, or several pages: make it a clip, or single pictures")
    return opened


def _check_fractions(data: bytes) -> None:
    """Refuse a TIFF whose directory claims more than MAX_FRACTIONS fractions in a tag: each becomes an object."""
    if data[:4] not in _TIFF_LAYOUTS:
        return
    place, number, entry = _TIFF_LAYOUTS[data[:4]]
    # Where the directory is cut short, Pillow says so.
    with suppress(struct.error):
        (start,) = place.unpack_from(data)
        (count,) = number.unpack_from(data, start)
        for at in range(start + number.size, start + number.size + count * entry.size, entry.size):
            _, kind, many = entry.unpack_from(data, at)
            if kind in _TIFF_FRACTIONS and many > MAX_FRACTIONS:
                raise DataError(f"more than {MAX_FRACTIONS:,} fractions in a tag")


def _not_a_picture(data: bytes) -> str:
    start = b"ftyp" if data[4:8] == b"ftyp" else data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    instead = next((f", but {name}" for magic, name in _LOOKALIKES if start.startswith(magic)), "")
    return f"not a JPEG, PNG, WebP, BMP or TIFF picture{instead}"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise DataError("floating-point pixels")
    plain = to_srgb(_eight_bits(image), _profile(image))
    if plain.has_transparency_data:
        layered = plain.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return plain.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture as L, LA, RGB, RGBA or CMYK; 16-bit greys are scaled, which Pillow clips to 255."""
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray((wide >> 8).astype(np.uint8))
    grey = image.mode in {"1", "L", "LA", "La"}
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("L" if grey else "RGB")


def _profile(image: Image.Image) -> bytes:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else b""


def _quantisation(image: Image.Image) -> str:
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    if not tables:
        return ""
    content = b"".join(bytes([number]) + np.asarray(tables[number], dtype=">u2").tobytes() for number in sorted(tables))
    return hashlib.sha256(content).hexdigest()[:8]


def _subsampling(image: Image.Image) -> str:
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", None) or []
    if len(layers) < 3:
        return ""
    (_, across, down, _), (_, colour_across, colour_down, _) = layers[:2]
    if 0 in (colour_across, colour_down) or across % colour_across or down % colour_down:
        return "other"
    return _SUBSAMPLING.get((across // colour_across, down // colour_down), "other")


def _orientation(image: Image.Image) -> int:
    if len(image.info.get("exif") or b"") > MAX_EXIF_BYTES:
        raise DataError(f"more than {MAX_EXIF_BYTES / 1e6:g} MB of EXIF")
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
