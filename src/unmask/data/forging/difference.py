"""What of a face a forger changed: a forged crop held against the real one that it was made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_fill_holes, gaussian_filter, label, uniform_filter

from unmask.data.forging.regions import Mask, Points, eye_distance, face_width, hull_mask, raise_brows
from unmask.data.forging.warping import Pixels, similarity, warp

Planes = NDArray[np.float32]

DIFFERENCE, UNCHANGED = "difference", "unchanged"
MAX_RESIZE = 1.25  # a pair whose sides differ by more was not cut alike
MIN_AROUND = 0.03  # share of the crop that lies around the face and that the noise is measured on


@dataclass(frozen=True)
class Bounds:
    """When a difference counts: from FACTOR times the noise, at least FLOOR (of 1), on MIN_AREA of the crop.

    Two crops show the same moment where they differ around the face no more than by a move of SHIFT_PX.
    """

    factor: float
    floor: float
    shift_px: float
    min_area: float


@dataclass(frozen=True)
class Compared:
    """What a pair shows: a mask (h, w) over the forged crop, or none; outcome DIFFERENCE, UNCHANGED or why it failed.

    `inside` and `around` are the mean changes of luma (of 1) in the face and around it, `moved` that which moving
    the real picture by one pixel makes around it.
    """

    outcome: str
    mask: Mask | None = None
    inside: float = 0.0
    around: float = 0.0
    moved: float = 0.0


def compare(real: Pixels, fake: Pixels, *, real_points: Points | None, points: Points, bounds: Bounds) -> Compared:
    """Hold a forged crop (h, w, 3) with its landmarks (68, 2) against its real one.

    Crops of one size are taken to be cut alike; where the sizes differ by at most MAX_RESIZE the real one is moved
    onto the forged one by the similarity of their landmarks. What lies around the face then tells whether the two do
    show the same moment, and how much recompression alone changes: the mask is where more changed than that.
    """
    laid = _laid_over(real, fake, real_points, points)
    if laid is None:
        return Compared("real and fake differ in size")
    real, covered = laid
    shape, size = (fake.shape[0], fake.shape[1]), face_width(points)
    face = hull_mask(points, shape) & covered
    rest = covered & ~hull_mask(raise_brows(points, 0.25), shape, 0.1 * eye_distance(points))
    if rest.mean() < MIN_AROUND or not face.any():
        return Compared("too little around the face to compare by")
    before, after = _smoothed(real, size=size), _smoothed(fake, size=size)
    change = _change(before, after, size=size)
    luma = before[..., :1]
    moved = float(np.mean([_change(luma, np.roll(luma, 1, axis), size=size)[rest].mean() for axis in (0, 1)]))
    inside, around = float(change[face, 0].mean()), float(change[rest, 0].mean())
    if around > max(bounds.shift_px * moved, bounds.floor / 2):
        return Compared("real and fake differ around the face", None, inside, around, moved)
    threshold = np.maximum(bounds.factor * np.quantile(change[rest], 0.75, axis=0), bounds.floor)
    mask = _cleaned((change > threshold).any(axis=-1) & covered, face, size=size, min_px=bounds.min_area * face.size)
    if not mask.any():
        return Compared(UNCHANGED, None, inside, around, moved)
    return Compared(DIFFERENCE, mask, inside, around, moved)


def _laid_over(real: Pixels, fake: Pixels, real_points: Points | None, points: Points) -> tuple[Pixels, Mask] | None:
    shape = fake.shape[0], fake.shape[1]
    if real.shape == fake.shape:
        return real, np.ones(shape, dtype=bool)
    ratios = np.array(real.shape[:2]) / shape
    if real_points is None or max(ratios.max(), 1 / ratios.min()) > MAX_RESIZE:
        return None
    return warp(real, similarity(real_points, points), shape)


def _smoothed(pixels: Pixels, *, size: float) -> Planes:
    """Luma and chroma (h, w, 3) of 1, smoothed at 1 % of a face's width.

    That takes off most of what another JPEG or H.264 pass leaves, which is strongest at high frequencies.
    """
    planes = np.asarray(Image.fromarray(pixels).convert("YCbCr"), dtype=np.float32) / 255
    sigma = max(0.8, 0.01 * size)
    return np.asarray(gaussian_filter(planes, (sigma, sigma, 0), truncate=2.5))


def _change(before: Planes, after: Planes, *, size: float) -> Planes:
    """Mean absolute difference (h, w, k) over windows of 4 % of a face's width."""
    window = max(3, round(0.04 * size))
    return np.asarray(uniform_filter(np.abs(after - before), (window, window, 0)))


def _cleaned(mask: Mask, face: Mask, *, size: float, min_px: float) -> Mask:
    """Gaps closed at 5 % of a face's width, holes filled, and only pieces of MIN_PX that reach into the face."""
    window = max(3, round(0.05 * size))
    solid = binary_fill_holes(uniform_filter(mask.astype(np.float32), window) > 0.5)
    pieces, count = label(solid)
    kept = np.bincount(pieces.ravel(), minlength=count + 1) >= min_px
    kept &= np.bincount(pieces[face], minlength=count + 1) > 0
    kept[0] = False
    return np.asarray(kept[pieces])
