"""How sharp and how bright a picture is, as the manifest of the training data says it, so that the two compare."""

from dataclasses import dataclass

from PIL import Image

from unmask.data.luma import brightness, luma, sharpness


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
    grey = luma(reduced)
    return Quality(
        sharpness=sharpness(grey),
        brightness=brightness(grey),
        picture_width=size[0],
        picture_height=size[1],
        jpeg_quality=jpeg_quality,
        bytes_per_px=encoded_bytes / max(1, size[0] * size[1]),
    )
