"""Small numeric helpers on float32 fields: noise, smooth steps, table look-up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Field = NDArray[np.float32]
Numbers = NDArray[Any]
Rng = np.random.Generator


def stream(*keys: int) -> Rng:
    """Give the random stream that belongs to KEYS alone, whatever else was drawn before."""
    return np.random.default_rng(np.random.SeedSequence(keys))


def smooth(low: float, high: float, value: Field) -> Field:
    """Go smoothly from 0 at LOW to 1 at HIGH (LOW may be the larger)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def bump(value: Field, centre: float, width: float) -> Field:
    """Gaussian of unit height."""
    return np.asarray(np.exp(-(((value - centre) / width) ** 2)), np.float32)


def mix(first: Field, second: Field | Sequence[float], share: Field) -> Field:
    """Blend colours (H, W, 3) by a share (H, W) of the second."""
    return np.asarray(first + (np.asarray(second, np.float32) - first) * share[..., None], np.float32)


def enlarge(field: Field, shape: tuple[int, int]) -> Field:
    """Resize a 2-D field to SHAPE (rows, columns) by bicubic interpolation."""
    return np.asarray(Image.fromarray(field).resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)


def noise(rng: Rng, shape: tuple[int, int], cells: tuple[float, float]) -> Field:
    """Smooth noise of about unit deviation with CELLS (rows, columns) across SHAPE."""
    grid = rng.standard_normal((max(2, round(cells[0])), max(2, round(cells[1])))).astype(np.float32)
    return enlarge(grid, shape)


def fractal(rng: Rng, shape: tuple[int, int], cells: float, *, octaves: int, gain: float = 0.5) -> Field:
    """Sum of noise octaves, each twice as fine and GAIN times as strong as the one before."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        count = cells * 2.0**octave
        total += gain**octave * noise(rng, shape, (count, count))
    return total


def look_up(table: Field, row: Field, column: Field) -> Field:
    """Read a 2-D table at fractional places, bilinear, edges extended."""
    return np.asarray(ndimage.map_coordinates(table, [row, column], order=1, mode="nearest"), np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur of the first two axes; SIGMA in pixels."""
    sigmas = (sigma, sigma) + (0.0,) * (field.ndim - 2)
    return np.asarray(ndimage.gaussian_filter(field, sigmas, mode="nearest", truncate=3.0), np.float32)
