"""Boxes in a picture, x0, y0, x1, y1 in px: how much two have in common, and the square around one."""

from collections.abc import Sequence

Box = tuple[float, float, float, float]


def intersection_over_union(one: Sequence[float], other: Sequence[float]) -> float:
    """Share of what two boxes cover together that both cover, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / max(areas - common, 1e-9)


def square_around(extent: Box, size: tuple[int, int], *, margin: float) -> tuple[int, int, int, int]:
    """Whole pixels x0, y0, x1, y1 of the square around a box, MARGIN of its longer side wider on each side.

    At the border of the picture (width, height) it is moved inside, and cut where the picture is too small.
    """
    x0, y0, x1, y1 = extent
    side = round(max(x1 - x0, y1 - y0) * (1 + 2 * margin))
    left, right = _span((x0 + x1) / 2, side, size[0])
    top, bottom = _span((y0 + y1) / 2, side, size[1])
    return left, top, right, bottom


def _span(centre: float, side: int, limit: int) -> tuple[int, int]:
    length = max(1, min(side, limit))
    start = min(max(0, round(centre - side / 2)), limit - length)
    return start, start + length
