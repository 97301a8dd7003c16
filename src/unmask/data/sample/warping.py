"""Moving pixels by landmarks: fits, smooth displacement fields, masks of face regions."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from unmask.data.sample.fields import Field, blur, enlarge

Points = NDArray[np.float32]
REGIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "eyes": (tuple(range(36, 42)), tuple(range(42, 48))),
    "nose": (tuple(range(27, 36)),),
    "mouth": (tuple(range(48, 60)),),
}
COARSE = 28


def resample(picture: Field, x: Field, y: Field, *, order: Literal[1, 3]) -> Field:
    """Read a picture (H, W, C) at places X, Y with a spline of ORDER 1 or 3."""
    places = np.stack([y, x])
    channels = [
        ndimage.map_coordinates(picture[..., c], places, order=order, mode="mirror") for c in range(picture.shape[2])
    ]
    return np.asarray(np.stack(channels, -1), np.float32)


def align(picture: Field, source: Points, target: Points, shape: tuple[int, int], *, order: Literal[1, 3]) -> Field:
    """Warp PICTURE so that its landmarks SOURCE come to lie on TARGET, in a frame of SHAPE (rows, columns).

    An affine fit carries the bulk; what it leaves over is spread smoothly around each landmark.
    """
    known = np.concatenate([target, np.ones((len(target), 1), np.float32)], 1)
    fit = np.linalg.lstsq(known.astype(np.float64), source.astype(np.float64), rcond=None)[0].astype(np.float32)
    y, x = np.indices(shape, np.float32)
    rest_x, rest_y = spread(source - known @ fit, target, shape, reach=0.22)
    at_x = fit[0, 0] * x + fit[1, 0] * y + fit[2, 0] + rest_x
    at_y = fit[0, 1] * x + fit[1, 1] * y + fit[2, 1] + rest_y
    return resample(picture, at_x, at_y, order=order)


def spread(moves: Points, places: Points, shape: tuple[int, int], *, reach: float) -> tuple[Field, Field]:
    """Interpolate displacements (N, 2) known at PLACES over a picture; REACH is a share of the points' extent."""
    sigma = reach * float(np.ptp(places, axis=0).max())
    rows = np.linspace(0, shape[0] - 1, COARSE, dtype=np.float32)
    columns = np.linspace(0, shape[1] - 1, COARSE, dtype=np.float32)
    gx, gy = np.meshgrid(columns, rows)
    apart = (gx[..., None] - places[:, 0]) ** 2 + (gy[..., None] - places[:, 1]) ** 2
    weight = np.exp(-apart / (2 * sigma**2))
    weight = weight / (weight.sum(-1, keepdims=True) + 0.05)
    return enlarge(np.asarray(weight @ moves[:, 0], np.float32), shape), enlarge(
        np.asarray(weight @ moves[:, 1], np.float32), shape
    )


def polygon(points: Points, shape: tuple[int, int]) -> Field:
    """Fill the convex hull of POINTS with 1."""
    image = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in _hull(points)], fill=255)
    return np.asarray(image, np.float32) / 255


def face_mask(points: Points, shape: tuple[int, int], *, shrink: float, feather: float) -> Field:
    """Soft mask of the inner face; FEATHER in pixels, SHRINK pulls the outline towards the middle."""
    brows = points[17:27] + (points[17:27] - points[36:48].mean(0)) * 0.35
    outline = np.concatenate([points[1:16], brows])
    middle = points[27:36].mean(0)
    return soften(polygon(middle + (outline - middle) * (1 - shrink), shape), feather)


def region_mask(points: Points, region: str, shape: tuple[int, int], *, grow: float, feather: float) -> Field:
    """Soft mask of one of REGIONS, grown by the factor GROW."""
    mask = np.zeros(shape, np.float32)
    for part in REGIONS[region]:
        place = points[list(part)]
        if region == "nose":
            place = np.concatenate([place, points[[31, 35]] + (points[[31, 35]] - points[33]) * 0.5])
        middle = place.mean(0)
        mask = np.maximum(mask, polygon(middle + (place - middle) * grow, shape))
    return soften(mask, feather)


def soften(mask: Field, feather: float) -> Field:
    """Blur a mask and stretch it so that it falls to exact 0 outside and 1 inside."""
    return np.asarray(np.clip((blur(mask, feather) - 0.06) / 0.88, 0, 1), np.float32)


def _hull(points: Points) -> list[tuple[float, float]]:
    """Convex hull by the monotone chain."""
    ordered = sorted({(float(x), float(y)) for x, y in points})

    def chain(run: list[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for p in run:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], p) <= 0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return chain(ordered) + chain(ordered[::-1])


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
