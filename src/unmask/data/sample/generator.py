"""A small linear generator of faces: principal components of aligned drawn faces and of their patches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.data.sample.fields import Field, Rng
from unmask.data.sample.warping import Points, align

SIDE = 48  # of the aligned faces it knows
PATCH = 8
FACES_KEPT, PATCHES_KEPT = 40, 40


@dataclass(frozen=True)
class Generator:
    """Components (K, D) with deviations (K,) of whole faces (48 x 48 x 3) and of grey patches (8 x 8)."""

    shape: Points
    face_parts: NDArray[np.float64]
    face_spread: NDArray[np.float64]
    patch_parts: NDArray[np.float64]


def fit_generator(pictures: Sequence[NDArray[np.uint8]], landmarks: Sequence[Points]) -> Generator:
    """Fit on pictures (H, W, 3) with their 68 landmarks."""
    shape = _mean_shape(landmarks)
    faces, patches = [], []
    for picture, points in zip(pictures, landmarks, strict=True):
        pixels = picture.astype(np.float32) / 255
        faces.append(align(pixels, points, shape, (SIDE, SIDE), order=1).ravel())
        grey = pixels.mean(-1)
        tiles = grey[: grey.shape[0] // PATCH * PATCH, : grey.shape[1] // PATCH * PATCH]
        tiles = tiles.reshape(tiles.shape[0] // PATCH, PATCH, -1, PATCH).swapaxes(1, 2).reshape(-1, PATCH * PATCH)
        patches.append(tiles[::3])
    face_parts, face_spread = _components(np.array(faces, np.float64), FACES_KEPT)
    patch_parts, _ = _components(np.concatenate(patches).astype(np.float64), PATCHES_KEPT)
    return Generator(shape, face_parts, face_spread, patch_parts)


def _mean_shape(landmarks: Sequence[Points]) -> Points:
    shapes = []
    for points in landmarks:
        low, high = points.min(0), points.max(0)
        shapes.append((points - (low + high) / 2) / (high - low).max())
    return np.asarray((np.mean(shapes, 0) * 0.84 + 0.5) * SIDE, np.float32)


def _components(rows: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leading principal directions (K, D), signed so that the largest entry is positive, and deviations (K,)."""
    centred = rows - rows.mean(0)
    _, values, parts = np.linalg.svd(
        centred if len(rows) < 4000 else centred[:: len(rows) // 4000 + 1], full_matrices=False
    )
    parts = parts[:count]
    parts = parts * np.sign(parts[np.arange(len(parts)), np.abs(parts).argmax(1)])[:, None]
    return np.round(parts, 7), np.round(values[: len(parts)] / np.sqrt(len(rows)), 7)


def drift_face(generator: Generator, strength: float, rng: Rng) -> Field:
    """A random change of face (48, 48, 3): STRENGTH deviations along every whole-face component."""
    steps = rng.standard_normal(len(generator.face_spread)) * generator.face_spread * strength
    return np.asarray((steps @ generator.face_parts).reshape(SIDE, SIDE, 3), np.float32)


def redraw(generator: Generator, plane: Field, kept: int) -> Field:
    """Rebuild a plane (H, W) from its overlapping patches with the first KEPT patch components."""
    parts = generator.patch_parts[:kept].astype(np.float32)
    total, weight = np.zeros_like(plane), np.zeros_like(plane)
    for top in range(0, PATCH, 4):
        for left in range(0, PATCH, 4):
            rows, columns = (plane.shape[0] - top) // PATCH, (plane.shape[1] - left) // PATCH
            area = (slice(top, top + rows * PATCH), slice(left, left + columns * PATCH))
            tiles = plane[area].reshape(rows, PATCH, columns, PATCH).swapaxes(1, 2).reshape(-1, PATCH * PATCH)
            level = tiles.mean(1, keepdims=True)
            made = ((tiles - level) @ parts.T) @ parts + level
            total[area] += (
                made.reshape(rows, columns, PATCH, PATCH).swapaxes(1, 2).reshape(rows * PATCH, columns * PATCH)
            )
            weight[area] += 1
    return np.asarray(np.where(weight > 0, total / np.maximum(weight, 1), plane), np.float32)


def place_change(generator: Generator, change: Field, points: Points, shape: tuple[int, int]) -> Field:
    """Carry a change of the aligned face into a picture of SHAPE with landmarks POINTS."""
    return align(change, generator.shape, points, shape, order=1)
