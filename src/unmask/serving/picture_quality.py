"""How sharp and how bright a picture is, as the manifest of the training data says it, so that the two compare."""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Quality:
    """Quality features of one picture: size in px and JPEG quality as it was sent, the rest of the reduced picture.

    SHARPNESS is the variance of the Laplacian of 8-bit luma, BRIGHTNESS mean luma in 0..1, JPEG_QUALITY 1..100 or -1
    where unknown, BYTES_PER_PX encoded bytes a pixel.
    """

    sharpness: float
    brightness: float
    picture_width: int
    picture_height: int
    jpeg_quality: int
    bytes_per_px: float


def measure_quality(reduced: Image.Image, *, size: tuple[int, int], jpeg_quality: int, encoded_bytes: int) -> Quality:
    """Measure a picture as assemble does: REDUCED to the training's longest side, SIZE before that."""
    sharpness, brightness = _sharpness_and_brightness(reduced)
    return Quality(
        sharpness=sharpness,
        brightness=brightness,
        picture_width=size[0],
        picture_height=size[1],
        jpeg_quality=jpeg_quality,
        bytes_per_px=encoded_bytes / max(1, size[0] * size[1]),
    )


def _sharpness_and_brightness(picture: Image.Image) -> tuple[float, float]:
    # unmask.data.quality holds the same definitions and can't be imported here: it needs imagehash, and that SciPy.
    grey = np.asarray(picture.convert("L"), dtype=np.int16)
    brightness = float(grey.mean() / 255.0)
    if min(grey.shape) < 3:
        return 0.0, brightness
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1]
    laplacian += grey[1:-1, :-2]
    laplacian += grey[1:-1, 2:]
    laplacian -= 4 * grey[1:-1, 1:-1]
    values = laplacian.ravel().astype(np.float64)
    return float(values @ values / values.size - values.mean() ** 2), brightness
