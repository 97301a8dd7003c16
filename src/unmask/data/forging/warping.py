"""Geometry of forging: similarity between two faces, affine resampling, smooth elastic displacement."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates, zoom

from unmask.data.forging.regions import Points

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Affine = NDArray[np.float64]
Field = NDArray[np.float64]  # (2, h, w): where each pixel is fetched from, less where it is; y, then x, in px

BEND_GRID_PX = 12


def similarity(source: Points, target: Points) -> Affine:
    """Least-squares similarity (2, 3) that carries source (k, 2) onto target (k, 2), without reflection.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, eq. 40-42.
    """
    mean_s, mean_t = source.mean(axis=0), target.mean(axis=0)
    centred_s, centred_t = source - mean_s, target - mean_t
    u, scales, vt = np.linalg.svd(centred_t.T @ centred_s)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = (u * sign) @ vt
    scale = float((scales * sign).sum() / max((centred_s**2).sum(), 1e-12))
    linear = scale * rotation
    return np.column_stack([linear, mean_t - linear @ mean_s])


def around(centre: Points, *, scale: Points | float = 1.0, degrees: float = 0.0, shift: Points | float = 0.0) -> Affine:
    """Affine (2, 3): scale (also per axis) and rotate about CENTRE (2,), then shift by SHIFT px."""
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation * np.broadcast_to(np.asarray(scale, dtype=np.float64), (2,))
    return np.column_stack([linear, centre + shift - linear @ centre])


def transform(points: Points, affine: Affine) -> Points:
    """Apply an affine (2, 3) to points (k, 2)."""
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def warp(image: Pixels, affine: Affine, shape: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """Resample image (h, w, 3) by an affine (2, 3); also a mask (h, w) of the pixels that the source covers."""
    linear = np.linalg.inv(affine[:, :2])
    offset = -linear @ affine[:, 2]
    data = (*linear[0], offset[0], *linear[1], offset[1])
    size = (shape[1], shape[0])
    moved = Image.fromarray(image).transform(size, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    y, x = np.ogrid[: shape[0], : shape[1]]
    back_x, back_y = (row[0] * x + row[1] * y + start for row, start in zip(linear, offset, strict=True))
    covered = (back_x >= 0) & (back_x <= image.shape[1] - 1) & (back_y >= 0) & (back_y <= image.shape[0] - 1)
    return np.asarray(moved), covered


def elastic(plane: Plane, rng: np.random.Generator, *, amplitude_px: float, cells: int = 5) -> Plane:
    """Displace a plane (h, w) by a smooth random field: a CELLS x CELLS grid of shifts, cubic in between."""
    height, width = plane.shape
    shifts = rng.uniform(-amplitude_px, amplitude_px, (2, cells, cells))
    field = [zoom(shift, (height / cells, width / cells), order=3, mode="nearest", grid_mode=True) for shift in shifts]
    y, x = np.mgrid[:height, :width]
    return map_coordinates(plane, [y + field[0], x + field[1]], order=1, mode="nearest").astype(np.float32)


def backwards(affine: Affine, shape: tuple[int, int]) -> Field:
    """The field by which each pixel of an affine's (2, 3) result is fetched."""
    linear = np.linalg.inv(affine[:, :2])
    y, x = np.mgrid[: shape[0], : shape[1]]
    points = np.stack([x, y], axis=-1) - affine[:, 2]
    return np.stack([points @ linear[1] - y, points @ linear[0] - x])


def displaced(image: Pixels, field: Field) -> Pixels:
    """Fetch each pixel of an image (h, w, 3) from elsewhere, by cubic splines; where the field is 0 nothing changes."""
    moves = (np.abs(field) > 1e-3).any(axis=0)
    if not moves.any():
        return image
    y, x = np.nonzero(moves)
    margin = int(np.ceil(np.abs(field).max())) + 8  # beyond it a spline's coefficients no longer matter
    top, left = max(0, y.min() - margin), max(0, x.min() - margin)
    box = image[top : y.max() + margin + 1, left : x.max() + margin + 1].astype(np.float32)
    at = [y + field[0, y, x] - top, x + field[1, y, x] - left]
    result = image.copy()
    for channel in range(image.shape[2]):
        fetched = map_coordinates(box[..., channel], at, order=3, mode="nearest")
        result[y, x, channel] = np.clip(np.rint(fetched), 0, 255)
    return result


def bend(image: Pixels, source: Points, target: Points, shape: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """Resample image (h, w, 3) so that SOURCE (k, 2) falls on TARGET (k, 2); also where (h, w) the image covers it.

    A thin-plate spline through the points (Bookstein, 1989), a little stiff so that noise in them makes no folds.
    """
    spline = RBFInterpolator(target, source, kernel="thin_plate_spline", smoothing=1.0)
    steps = [max(2, -(-side // BEND_GRID_PX)) for side in shape]
    y, x = (np.linspace(0, side - 1, step) for side, step in zip(shape, steps, strict=True))
    knots = spline(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(*steps, 2)
    size = (shape[0] / steps[0], shape[1] / steps[1])
    at = [zoom(knots[..., axis], size, order=1) for axis in (1, 0)]
    covered = np.logical_and.reduce([(a >= 0) & (a <= side - 1) for a, side in zip(at, image.shape[:2], strict=True)])
    planes = [map_coordinates(image[..., channel], at, order=1, mode="nearest") for channel in range(image.shape[2])]
    return np.stack(planes, axis=-1), np.asarray(covered)
