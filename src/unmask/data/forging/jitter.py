"""Statistical mismatch between the two sides of a blend: colour, brightness and resampling history."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

from unmask.data.forging.warping import Pixels
from unmask.ycbcr import CB, CR, LUMA

_YCBCR = np.array([LUMA, CB, CR], dtype=np.float32)
FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def colour_jitter(image: Pixels, rng: np.random.Generator, *, strength: float = 1.0) -> Pixels:
    """Shift each channel, change saturation, contrast and brightness of an image (h, w, 3)."""
    x = image.astype(np.float32)
    mean = x.mean(axis=(0, 1))
    luma = (x @ _YCBCR[0])[..., None]
    x = luma + (x - luma) * (1 + strength * rng.uniform(-0.25, 0.25))
    x = (x - mean) * (1 + strength * rng.uniform(-0.15, 0.15)) + mean
    x += (strength * (rng.uniform(-9, 9, 3) + rng.uniform(-16, 16))).astype(np.float32)
    return _to_pixels(x)


def resample_jitter(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Soften by scaling down 1.3 to 3 times and up again, or sharpen; the size stays (h, w, 3)."""
    picture = Image.fromarray(image)
    if rng.random() < 0.6:
        factor = rng.uniform(1.3, 3.0)
        small = (max(8, round(picture.width / factor)), max(8, round(picture.height / factor)))
        down, up = (FILTERS[int(index)] for index in rng.integers(0, len(FILTERS), 2))
        return np.asarray(picture.resize(small, down).resize(picture.size, up))
    return np.asarray(
        picture.filter(ImageFilter.UnsharpMask(radius=1.5, percent=int(rng.integers(40, 120)), threshold=0))
    )


def match_colour(
    image: Pixels, reference: Pixels, where: NDArray[np.bool_], *, strength: float, space: str = "rgb"
) -> Pixels:
    """Move mean and spread of each channel inside WHERE (h, w) towards the reference's by STRENGTH in [0, 1].

    SPACE is rgb or ycbcr; luma and chroma are less bound up with each other than red, green and blue, which is why
    Reinhard et al., "Color transfer between images", 2001, match decorrelated channels.
    """
    if not where.any():
        return image
    x, r = image.astype(np.float32), reference[where].astype(np.float32)
    if space == "ycbcr":
        matched = _matched(x @ _YCBCR.T, r @ _YCBCR.T, where) @ np.linalg.inv(_YCBCR).T
    else:
        matched = _matched(x, r, where)
    return _to_pixels(x + strength * (matched - x))


def match_shade(image: Pixels, reference: Pixels, where: NDArray[np.bool_], sigma_px: float) -> Pixels:
    """Give WHERE (h, w) the reference's light and tone, what is coarser than SIGMA_PX, and keep what is finer."""
    weight = gaussian_filter(where.astype(np.float32), sigma_px)[..., None] + 1e-3
    gap = np.where(where[..., None], reference.astype(np.float32) - image, 0)
    return _to_pixels(image + gaussian_filter(gap, (sigma_px, sigma_px, 0)) / weight)


def _matched(x: NDArray[np.float32], r: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    inside = x[where]
    mean, std = inside.mean(axis=0), inside.std(axis=0) + 1.0
    gain = np.clip((r.std(axis=0) + 1.0) / std, 0.7, 1.4)
    return np.asarray((x - mean) * gain + r.mean(axis=0), dtype=np.float32)


def _to_pixels(x: NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(np.rint(x), 0, 255), dtype=np.uint8)
