"""The part that two crops share, each cut out of a picture of the same size: faces found anew differ by some pixels."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.data.forging.regions import Points

Corner = tuple[int, int]


@dataclass(frozen=True)
class Overlap:
    """Its upper left corner x, y in the forged crop and in the real one, and its width and height, in px."""

    fake: Corner
    real: Corner
    size: tuple[int, int]

    def cut(self, pixels: NDArray[Any], corner: Corner) -> NDArray[Any]:
        """The shared part of a crop (h, w, ...) whose corner of it this is."""
        return pixels[corner[1] : corner[1] + self.size[1], corner[0] : corner[0] + self.size[0]]

    def laid_back(self, mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
        """A mask of the shared part as one of the forged crop (h, w); nothing is known to be altered around it."""
        whole = np.zeros(shape, dtype=bool)
        self.cut(whole, self.fake)[:] = mask
        return whole


def moved(points: Points, corner: Corner) -> Points:
    """Points of a crop in the pixels of its part at CORNER."""
    return np.asarray(points - np.asarray(corner, dtype=points.dtype))


def overlap_of(fake: Mapping[Hashable, Any], real: Mapping[Hashable, Any]) -> Overlap | None:
    """What two manifest rows share; None where one was shrunk or is whole, the pictures differ in size, or nothing."""
    boxes = [_unshrunk(row) for row in (fake, real)]
    same = all(fake[name] == real[name] for name in ("picture_width", "picture_height"))
    if not same or boxes[0] is None or boxes[1] is None:
        return None
    left, top = (max(boxes[0][side], boxes[1][side]) for side in (0, 1))
    right, bottom = (min(boxes[0][side], boxes[1][side]) for side in (2, 3))
    if left >= right or top >= bottom:
        return None
    corners = [(left - box[0], top - box[1]) for box in (boxes[0], boxes[1])]
    return Overlap(corners[0], corners[1], (right - left, bottom - top))


def shrunk_apart(fake: Mapping[Hashable, Any], real: Mapping[Hashable, Any]) -> bool:
    """Whether two crops were cut at different places and shrunk, so that their pixels have no common grid."""
    boxes = [None if row["crop_box"] is None else tuple(row["crop_box"]) for row in (fake, real)]
    return boxes[0] != boxes[1] and overlap_of(fake, real) is None


def _unshrunk(row: Mapping[Hashable, Any]) -> tuple[int, int, int, int] | None:
    if row["crop_box"] is None:
        return None
    x0, y0, x1, y1 = (int(value) for value in row["crop_box"])
    return (x0, y0, x1, y1) if (x1 - x0, y1 - y0) == (row["width"], row["height"]) else None
