"""Blend a source into a target through a feathered mask, and say exactly which pixels changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from unmask.data.forging.regions import Mask
from unmask.data.forging.warping import Pixels, Plane


@dataclass(frozen=True)
class Forgery:
    """A forged crop (h, w, 3), the mask (h, w) of changed pixels, and the mean |change| inside it, of 1."""

    image: Pixels
    mask: Mask
    change: float

    @property
    def area(self) -> float:
        """Share of the crop that changed."""
        return float(self.mask.mean())


def feather(mask: Plane, sigma_px: float) -> Plane:
    """Soften a mask (h, w) in [0, 1] inwards: full inside, 0 at its old edge."""
    eroded = gaussian_filter(mask, sigma_px, truncate=3.0) > 0.93
    return np.asarray(gaussian_filter(eroded.astype(np.float32), sigma_px, truncate=3.0))


def blend(target: Pixels, source: Pixels | NDArray[np.float32], weight: Plane) -> Forgery:
    """Mix (h, w, 3) pictures: weight (h, w) of the source, the rest of the target."""
    w = weight[..., None]
    image = np.clip(np.rint(target + w * (source.astype(np.float32) - target)), 0, 255).astype(np.uint8)
    difference = np.abs(image.astype(np.int16) - target)
    mask = np.logical_or.reduce([difference[..., channel] > 0 for channel in range(difference.shape[-1])])
    change = float(difference[mask].mean() / 255) if mask.any() else 0.0
    return Forgery(image=image, mask=mask, change=change)


def refusal(forgery: Forgery, *, min_change: float, min_area: float) -> str | None:
    """Why a forgery is not good enough to be called one, or None.

    MIN_CHANGE bounds the mean |change| inside the mask (of 1), MIN_AREA the mask's share of the crop.
    """
    if forgery.area <= min_area:
        return "the altered area is too small"
    if forgery.change <= min_change:
        return "the change is too faint to see"
    return None
