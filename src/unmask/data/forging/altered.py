"""Which regions of a face a forgery altered, from its mask: the local attribute labels."""

from unmask.data.forging.regions import Mask, Points, label_masks

MIN_PIXELS = 6


def altered_regions(mask: Mask, points: Points, *, share: float = 0.4) -> tuple[set[str], set[str]]:
    """Local labels whose region is at least SHARE altered, and those whose region the crop shows at all.

    MASK (h, w) marks altered pixels; points (68, 2). A region outside the crop is in neither set: its label is unknown.
    """
    altered, visible = set(), set()
    for name, region in label_masks(points, (mask.shape[0], mask.shape[1])).items():
        pixels = int(region.sum())
        if pixels < MIN_PIXELS:
            continue
        visible.add(name)
        if mask[region].mean() >= share:
            altered.add(name)
    return altered, visible
