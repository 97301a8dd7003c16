"""Region forgeries: one facial region replaced by a donor's or by an altered copy of itself.

The dataset expansion of SJEDD (Zou et al., TCSVT 2025) changes one region of a face, leaving the rest as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

from unmask.data.forging.blending import Forgery, blend, feather
from unmask.data.forging.jitter import colour_jitter, match_colour, resample_jitter
from unmask.data.forging.regions import PIECES, Mask, Points, eye_distance, face_width, members, region_mask
from unmask.data.forging.warping import Pixels, Plane, around, similarity, warp

# How often each is drawn; eyes, mouth and nose are the paper's three.
REGIONS: Mapping[str, float] = MappingProxyType(
    {"eyes": 0.28, "mouth": 0.28, "nose": 0.22, "eyebrows": 0.11, "skin": 0.11}
)


@dataclass(frozen=True)
class Donor:
    """Another person's crop (h, w, 3) and its landmarks (68, 2)."""

    image: Pixels
    points: Points


def edit_region(
    image: Pixels, points: Points, region: str, rng: np.random.Generator, *, donor: Donor | None = None
) -> Forgery:
    """Alter one region of REGIONS in a crop (h, w, 3) by a donor's, or by a copy of itself where there is none.

    Skin is always retouched in place: a donor's skin needs the donor's pose, or it leaves ghosts of other features.
    """
    shape = image.shape[0], image.shape[1]
    distance = eye_distance(points)
    where = region_mask(points, region, shape, 0.0 if region == "skin" else 0.10 * distance)
    covered = np.ones(shape, dtype=bool)
    if region == "skin":
        source = _retouch(image, rng, distance)
    elif donor is not None:
        source, covered = warp(donor.image, similarity(donor.points[members(region)], points[members(region)]), shape)
        ring = region_mask(points, region, shape, 0.35 * distance) & ~region_mask(
            points, region, shape, 0.05 * distance
        )
        source = match_colour(source, image, ring & covered, strength=rng.uniform(0.7, 1.0))
    else:
        source = _altered_copy(image, points, region, rng)
    where &= covered
    weight = _soft(where, sigma_px=max(0.7, 0.02 * face_width(points)))
    return blend(image, source, np.where(covered, weight, 0.0).astype(np.float32))


def _soft(where: Mask, *, sigma_px: float) -> Plane:
    soft = feather(where.astype(np.float32), sigma_px)
    # a region only a few pixels high has no inside left after feathering inwards
    return soft if soft.max() > 0.6 else np.asarray(gaussian_filter(where.astype(np.float32), sigma_px, truncate=3.0))


def _altered_copy(image: Pixels, points: Points, region: str, rng: np.random.Generator) -> Pixels:
    """The region larger or smaller, turned, shifted and recoloured, piece by piece about its own centre."""
    shape = image.shape[0], image.shape[1]
    size = eye_distance(points)
    centres = [points[list(piece)].mean(axis=0) for piece in PIECES[region]]
    scale = rng.uniform(1.1, 1.3, 2) if rng.random() < 0.6 else rng.uniform(0.75, 0.92, 2)
    degrees, shift = rng.uniform(-8, 8), size * rng.uniform(-0.05, 0.05, 2)
    source = image.copy()
    for number, centre in enumerate(centres):
        mirror = -1 if number else 1  # the second eye or brow turns the other way
        move = around(centre, scale=scale, degrees=mirror * degrees, shift=shift * [mirror, 1])
        moved, covered = warp(image, move, shape)
        near = _nearest(centres, number, shape) & covered
        source[near] = moved[near]
    source = colour_jitter(source, rng, strength=0.5)
    return resample_jitter(source, rng) if rng.random() < 0.5 else source


def _nearest(centres: list[Points], chosen: int, shape: tuple[int, int]) -> Mask:
    y, x = np.mgrid[: shape[0], : shape[1]]
    distances = np.stack([(x - cx) ** 2 + (y - cy) ** 2 for cx, cy in centres])
    return np.asarray(distances.argmin(axis=0) == chosen)


def _retouch(image: Pixels, rng: np.random.Generator, size: float) -> Pixels:
    """Skin smoothed as by a beauty filter, its tone a little off."""
    sigma = size * rng.uniform(0.03, 0.06)
    smooth = gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), truncate=2.5)
    share = rng.uniform(0.6, 0.95)
    mixed = np.clip(np.rint(image + share * (smooth - image)), 0, 255).astype(np.uint8)
    return colour_jitter(mixed, rng, strength=0.6)
