"""Simple measurements of a crop: how sharp, how bright, and a hash that near-duplicates share."""

import hashlib

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_BITS = 64
_FLAT_STD = 4.0
_FLAT_SIDE = 32


def content_id(image: Image.Image) -> str:
    """16 hex digits of the SHA-256 of an RGB picture's size and pixels."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()[:16]


def luma(image: Image.Image) -> npt.NDArray[np.float64]:
    """8-bit luma (ITU-R BT.601), float64 (H, W), 0..255."""
    return np.asarray(image.convert("L"), dtype=np.float64)


def sharpness(grey: npt.NDArray[np.float64]) -> float:
    """Variance of the four-neighbour Laplacian of (H, W) luma; 0 for pictures under 3 px."""
    if min(grey.shape) < 3:
        return 0.0
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4.0 * inner).var())


def brightness(grey: npt.NDArray[np.float64]) -> float:
    """Mean luma, 0..1."""
    return float(grey.mean() / 255.0)


def perceptual_hash(image: Image.Image) -> str:
    """64-bit DCT hash (pHash) as 16 hex digits, close in Hamming distance for near-duplicates.

    The hash compares low frequencies with their median, so in a flat or nearly black picture it is made of noise
    and joins what has nothing in common. Such a picture gets the first 64 bits of its content hash instead, which
    only its exact copies share.
    """
    if is_flat(image):
        return content_id(image)
    return str(imagehash.phash(image))


def is_flat(image: Image.Image) -> bool:
    """Whether too little varies at low frequencies (standard deviation of a 32 px thumbnail) for a perceptual hash."""
    small = image.convert("L").resize((_FLAT_SIDE, _FLAT_SIDE), Image.Resampling.BOX)
    return float(np.asarray(small, dtype=np.float64).std()) < _FLAT_STD
