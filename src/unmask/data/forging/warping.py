"""Geometry of forging: similarity between two faces, affine resampling, smooth elastic displacement."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates, zoom

from unmask.data.forging.regions import Points

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Affine = NDArray[np.float64]


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
    y, x = np.mgrid[: shape[0], : shape[1]]
    back = np.stack([x, y], axis=-1) @ linear.T + offset
    covered = ((back >= 0) & (back <= np.array([image.shape[1] - 1, image.shape[0] - 1]))).all(axis=-1)
    return np.asarray(moved), covered


def elastic(plane: Plane, rng: np.random.Generator, *, amplitude_px: float, cells: int = 5) -> Plane:
    """Displace a plane (h, w) by a smooth random field: a CELLS x CELLS grid of shifts, cubic in between."""
    height, width = plane.shape
    shifts = rng.uniform(-amplitude_px, amplitude_px, (2, cells, cells))
    field = [zoom(shift, (height / cells, width / cells), order=3, mode="nearest", grid_mode=True) for shift in shifts]
    y, x = np.mgrid[:height, :width]
    return map_coordinates(plane, [y + field[0], x + field[1]], order=1, mode="nearest").astype(np.float32)
