"""Which regions of a face a forgery altered, from its mask: the local attribute labels."""

import numpy as np

from unmask.data.forging.regions import Mask, Points, label_masks

MIN_PIXELS = 6
MIN_SHOWN = 0.5  # of a region's pixels: of one that the crop cut off further nothing is known


def altered_regions(mask: Mask, points: Points, *, share: float = 0.4) -> tuple[set[str], set[str]]:
    """Local labels whose region is at least SHARE altered, and those whose region the crop shows.

    MASK (h, w) marks altered pixels; points (68, 2). A region that lies mostly outside the crop is in neither set: its
    label is unknown.
    """
    regions = _shown(points, (mask.shape[0], mask.shape[1]))
    return {name for name, region in regions.items() if mask[region].mean() >= share}, set(regions)


def visible_regions(points: Points, shape: tuple[int, int]) -> set[str]:
    """Local labels whose region a crop (h, w) with landmarks (68, 2) shows."""
    return set(_shown(points, shape))


def _shown(points: Points, shape: tuple[int, int]) -> dict[str, Mask]:
    whole = _whole_areas(points, shape)
    return {
        name: region
        for name, region in label_masks(points, shape).items()
        if region.sum() >= max(MIN_PIXELS, MIN_SHOWN * whole.get(name, 0))
    }


def _whole_areas(points: Points, shape: tuple[int, int]) -> dict[str, int]:
    """Pixels of each region with what lies outside the crop; empty where all landmarks lie inside."""
    size = np.array(shape[::-1])
    # No further than the crop is large, so that landmarks far away cost no memory.
    before = np.clip(np.ceil(-points.min(axis=0)), 0, size).astype(int)
    after = np.clip(np.ceil(points.max(axis=0) - size + 1), 0, size).astype(int)
    if not (before.any() or after.any()):
        return {}
    width, height = (size + before + after).tolist()
    moved = np.asarray(points + before.astype(points.dtype))
    return {name: int(region.sum()) for name, region in label_masks(moved, (height, width)).items()}
