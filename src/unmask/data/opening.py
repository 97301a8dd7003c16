"""A picture's file opened without decoding it: the formats and sizes that are let in, and what is no picture."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from PIL import Image, UnidentifiedImageError

from unmask.errors import DataError, ResourceError, TooLargeError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_EXIF_BYTES = 1_000_000
MAX_FRACTIONS = 10_000
_EXIF_SEGMENT = b"Exif\x00\x00"
_EXIF_SEGMENT_BYTES = 65_533
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
# Pillow's decoders raise all of these on damaged input, and MemoryError, which says nothing about a file. Codecs
# also say "out of memory" (OSError), of sizes that a hostile file claims: damage, or one file would stop every run.
DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def open_picture(data: bytes, *, max_megapixels: float, max_megabytes: float) -> Image.Image:
    """Read a picture's header.

    Raises:
        ResourceError: memory ran out.
        TooLargeError: more bytes or pixels than that.
        DataError: not one of FORMATS, more than one picture, or damaged.
    """
    if len(data) > max_megabytes * 1e6:
        raise TooLargeError(f"larger than {max_megabytes:g} MB")
    # Opening a JPEG already makes numbers of its EXIF block, which may be spread over any number of segments.
    if data.startswith(b"\xff\xd8") and data.count(_EXIF_SEGMENT) * _EXIF_SEGMENT_BYTES > MAX_EXIF_BYTES:
        raise DataError(f"more than {MAX_EXIF_BYTES / 1e6:g} MB of EXIF")
    _check_fractions(data)
    with damage_named("picture"):
        try:
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.DecompressionBombError:
            raise TooLargeError(f"more than {max_megapixels:g} megapixels") from None
        except UnidentifiedImageError as error:
            raise DataError(_not_a_picture(data)) from error
    if opened.width * opened.height > max_megapixels * 1e6:
        raise TooLargeError(f"more than {max_megapixels:g} megapixels")
    # An MPO's further pictures are other views of its first.
    if getattr(opened, "is_animated", False) and opened.format != "MPO":
        raise DataError("animated picture, or several pages: make it a clip, or single pictures")
    return opened


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """Let what a decoder raises on a damaged WHAT be a DataError with a short reason.

    Raises:
        ResourceError: memory ran out.
        DataError: the decoder failed.
    """
    try:
        yield
    except MemoryError:
        raise ResourceError(f"memory ran out while the {what} was decoded") from None
    except DECODER_ERRORS as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"damaged {what}: {reason}") from error


def _check_fractions(data: bytes) -> None:
    """Refuse a TIFF whose directory claims more than MAX_FRACTIONS fractions in a tag: each becomes an object."""
    if data[:4] not in _TIFF_LAYOUTS:
        return
    place, number, entry = _TIFF_LAYOUTS[data[:4]]
    # Where the directory is cut short, Pillow says so.
    with suppress(struct.error, OverflowError):
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
