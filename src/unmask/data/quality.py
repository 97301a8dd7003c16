"""Simple measurements of a crop: how sharp, how bright, and a hash that near-duplicates share."""

import hashlib
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

from unmask.data.luma import brightness, luma, sharpness

HASH_BITS = 64
_FLAT_STD = 4.0
_FLAT_SIDE = 32


@dataclass(frozen=True)
class Measured:
    """What a crop is told by: its content's id, sides in px, and the measurements of this module."""

    image_id: str
    width: int
    height: int
    sharpness: float
    brightness: float
    phash: str


def measure(image: Image.Image) -> Measured:
    """Measure an RGB crop."""
    grey = luma(image)
    return Measured(
        content_id(image), image.width, image.height, sharpness(grey), brightness(grey), perceptual_hash(image)
    )


def content_id(image: Image.Image) -> str:
    """16 hex digits of the SHA-256 of an RGB picture's size and pixels."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()[:16]


def perceptual_hash(image: Image.Image) -> str:
    """64-bit DCT hash (pHash) as 16 hex digits, close in Hamming distance for near-duplicates.

    The hash compares low frequencies with their median, so in a flat or nearly black picture it is made of noise
    and joins what has nothing in common. Such a picture gets the first 64 bits of its content hash instead, which
    only its exact copies share.
    """
    grey = image.convert("L")
    if is_flat(grey):
        return content_id(image)
    return str(imagehash.phash(grey))


def is_flat(image: Image.Image) -> bool:
    """Whether too little varies at low frequencies (standard deviation of a 32 px thumbnail) for a perceptual hash."""
    small = image.convert("L").resize((_FLAT_SIDE, _FLAT_SIDE), Image.Resampling.BOX)
    return float(np.asarray(small, dtype=np.float64).std()) < _FLAT_STD
