"""What a JPEG tells of how it was stored: quality setting, quantisation tables, chroma subsampling."""

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

UNKNOWN_QUALITY = -1
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1", (4, 2): "4:1:0"}


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


def quantisation(image: Image.Image) -> str:
    """First 8 hex digits of the SHA-256 of all quantisation tables, "" without one."""
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    if not tables:
        return ""
    content = b"".join(bytes([number]) + np.asarray(tables[number], dtype=">u2").tobytes() for number in sorted(tables))
    return hashlib.sha256(content).hexdigest()[:8]


def subsampling(image: Image.Image) -> str:
    """How much coarser colour is stored than luma: "4:2:0" and the like, "other", or "" without colour."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", None) or []
    if len(layers) < 3:
        return ""
    (_, across, down, _), (_, colour_across, colour_down, _) = layers[:2]
    if 0 in (colour_across, colour_down) or across % colour_across or down % colour_down:
        return "other"
    return _SUBSAMPLING.get((across // colour_across, down // colour_down), "other")


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
