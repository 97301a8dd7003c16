"""Self-blended faces: a face blended with a perturbed copy of itself (Shiohara and Yamasaki, CVPR 2022)."""

import numpy as np

from unmask.data.forging.blending import Forgery, blend, feather
from unmask.data.forging.jitter import colour_jitter, resample_jitter
from unmask.data.forging.regions import BROWS, Mask, Points, eye_distance, face_width, hull_mask, raise_brows
from unmask.data.forging.warping import Pixels, around, elastic, transform, warp

RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


def self_blend(image: Pixels, points: Points, rng: np.random.Generator) -> Forgery:
    """Blend a face (h, w, 3) with a moved, recoloured and resampled copy of itself inside its hull.

    Only the copy is perturbed, softer or sharper than the original, so that the mask is exactly where the result
    differs from the real picture; the paper perturbs either side.
    """
    height, width = image.shape[:2]
    size = face_width(points)
    move = around(
        points.mean(axis=0),
        scale=rng.uniform(0.95, 1.05),
        degrees=rng.uniform(-2, 2),
        shift=size * rng.uniform([-0.03, -0.015], [0.03, 0.015]),
    )
    source, covered = warp(image, move, (height, width))
    source = colour_jitter(source, rng)
    if rng.random() < 0.7:
        source = resample_jitter(source, rng)
    hull = _hull(points, rng, (height, width)) & covered
    weight = elastic(hull.astype(np.float32), rng, amplitude_px=0.04 * size)
    # 5 to 21 px of feather at 256 px; a Gaussian's visible ramp is about four sigma wide
    sigma = rng.uniform(5, 21) * max(height, width) / 256 / 4
    ratio = RATIOS[int(rng.integers(len(RATIOS)))]
    return blend(image, source, np.where(covered, ratio * feather(weight, sigma), 0.0).astype(np.float32))


def _hull(points: Points, rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    kind = rng.random()
    shaken = points + rng.normal(0, 0.02 * eye_distance(points), points.shape)
    if kind < 0.6:
        corners = raise_brows(shaken, rng.uniform(0.0, 0.35))
    elif kind < 0.8:  # inner face: brows to mouth, without the jaw line
        corners = shaken[BROWS[0] :]
    else:  # the whole face drawn in
        corners = transform(shaken, around(shaken.mean(axis=0), scale=rng.uniform(0.75, 0.95)))
    return hull_mask(corners, shape)
