"""Bytes to an upright sRGB picture, with caps: the only way a picture enters the program."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from unmask.data.colour import profile_name, to_srgb
from unmask.data.jpeg import jpeg_quality, quantisation, subsampling
from unmask.data.opening import DECODER_ERRORS, MAX_EXIF_BYTES, damage_named, open_picture
from unmask.errors import DataError

MAX_MEGAPIXELS = 50.0
MAX_MEGABYTES = 30.0
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


@dataclass(frozen=True)
class Picture:
    """A decoded picture: sRGB and upright, and the history that its file tells.

    FORMAT is one of opening.FORMATS and MODE is Pillow's name of what the file stores ("L", "P", "I;16", "CMYK", ...).
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
        ResourceError: memory ran out.
        DataError: too large, not one of opening.FORMATS, more than one picture, or damaged; the message
            is a short reason without a file name.
    """
    return decode_picture(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes).image


def decode_picture(
    data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS, max_megabytes: float = MAX_MEGABYTES
) -> Picture:
    """Decode as decode_image does and keep what the file says about its history."""
    opened = open_picture(data, max_megapixels=max_megapixels, max_megabytes=max_megabytes)
    mode = opened.mode
    with damage_named("picture"):
        opened.load()
        upright = _turn_upright(_to_rgb(opened), _orientation(opened))
    # Else a copy that is saved would carry the profile on, and be converted once more.
    upright.info = {}
    profile = _profile(opened)
    return Picture(
        image=upright,
        format="JPEG" if opened.format == "MPO" else str(opened.format),
        mode=mode,
        jpeg_quality=jpeg_quality(opened),
        quantisation=quantisation(opened),
        subsampling=subsampling(opened),
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
    opened = open_picture(data, max_megapixels=max_megapixels, max_megabytes=MAX_MEGABYTES)
    with damage_named("mask"):
        return _eight_bits(opened).convert("L")


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


def _orientation(image: Image.Image) -> int:
    if len(image.info.get("exif") or b"") > MAX_EXIF_BYTES:
        raise DataError(f"more than {MAX_EXIF_BYTES / 1e6:g} MB of EXIF")
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except DECODER_ERRORS:
        return 1


def _turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)
