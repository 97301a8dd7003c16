"""Colour profiles of pictures: their names, and the way from them to sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# The largest printing profiles take some 3 MB; PNG allows 1 MB, JPEG 16 MB.
MAX_PROFILE_BYTES = 4_000_000
_NAME_LENGTH = 40
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_CLASSES = ("scnr", "mntr", "prtr", "spac")  # those that say what a picture's numbers mean
_ALPHA = {"RGBA": "RGB", "LA": "L"}
_CMS_ERRORS = (ImageCms.PyCMSError, OSError, TypeError, ValueError)
_KEPT = 8  # transforms; a picture set has few profiles


def profile_name(profile: bytes) -> str:
    """What a profile calls itself, at most 40 printable characters; "unreadable" where it says nothing sensible."""
    try:
        name = ImageCms.getProfileDescription(io.BytesIO(profile[:MAX_PROFILE_BYTES]))
    except _CMS_ERRORS:
        return "unreadable"
    return "".join(char for char in name if char.isprintable()).strip()[:_NAME_LENGTH] or "unreadable"


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert a picture (L, LA, RGB, RGBA or CMYK) from its profile to sRGB by relative colorimetry.

    A profile that is broken, larger than MAX_PROFILE_BYTES or for another kind of picture changes nothing; neither
    does one that is sRGB by its effect, because rounding would touch the pixels for no gain. Alpha stays.
    """
    plain = _ALPHA.get(image.mode, image.mode)
    if len(profile) > MAX_PROFILE_BYTES or plain not in _MODES.values():
        return image
    transform = _transform(profile, plain)
    if transform is None:
        return image
    converted: Image.Image = transform.apply(image if plain == image.mode else image.convert(plain))
    if plain != image.mode:
        converted.putalpha(image.getchannel("A"))
    return converted


@lru_cache(_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.device_class not in _CLASSES or _MODES.get(given.profile.xcolor_space.strip()) != mode:
            return None
        wanted = ImageCms.createProfile("sRGB")
        built = ImageCms.buildTransform(given, wanted, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
        return built if _changes_colours(built, mode) else None
    except _CMS_ERRORS:
        return None


def _changes_colours(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether any colour of a grid of 17 steps a channel moves by more than one level."""
    if mode == "CMYK":
        return True
    steps = np.linspace(0, 255, 17).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3) if mode == "RGB" else steps[None]
    image = Image.fromarray(colours)
    moved = np.asarray(transform.apply(image), dtype=int) - np.asarray(image.convert("RGB"), dtype=int)
    return bool(np.abs(moved).max() > 1)
