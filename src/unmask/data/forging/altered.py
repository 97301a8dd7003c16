"""Which regions of a face a forgery altered, from its mask: the local attribute labels."""

from unmask.data.forging.regions import Mask, Points, label_masks

MIN_PIXELS = 6


def altered_regions(mask: Mask, points: Points, *, share: float = 0.4) -> tuple[set[str], set[str]]:
    """Local labels whose region is at least SHARE altered, and those whose region the crop shows at all.

    MASK (h, w) marks altered pixels; points (68, 2). A region outside the crop is in neither set: its label is unknown.
    """
    regions = _shown(points, (mask.shape[0], mask.shape[1]))
    return {name for name, region in regions.items() if mask[region].mean() >= share}, set(regions)


def visible_regions(points: Points, shape: tuple[int, int]) -> set[str]:
    """Local labels whose region a crop (h, w) with landmarks (68, 2) shows at all."""
    return set(_shown(points, shape))


def _shown(points: Points, shape: tuple[int, int]) -> dict[str, Mask]:
    return {name: region for name, region in label_masks(points, shape).items() if region.sum() >= MIN_PIXELS}
