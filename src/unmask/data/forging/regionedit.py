"""Region forgeries: one facial region replaced by a donor's or by an altered copy of itself.

The dataset expansion of SJEDD (Zou et al., TCSVT 2025) changes one region of a face, leaving the rest as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter

from unmask.data.forging.blending import Forgery, blend, feather
from unmask.data.forging.jitter import colour_jitter, match_colour, match_shade, resample_jitter
from unmask.data.forging.mix import SKIN
from unmask.data.forging.poisson import seamless
from unmask.data.forging.regions import PIECES, Mask, Points, eye_distance, face_width, members, region_mask
from unmask.data.forging.warping import Pixels, Plane, around, backwards, bend, displaced, similarity, warp

# How often each is drawn; eyes, mouth and nose are the paper's three.
REGIONS: Mapping[str, float] = MappingProxyType(
    {"eyes": 0.28, "mouth": 0.28, "nose": 0.22, "eyebrows": 0.11, "skin": 0.11}
)


@dataclass(frozen=True)
class Donor:
    """Another person's crop (h, w, 3) and its landmarks (68, 2)."""

    image: Pixels
    points: Points


@dataclass(frozen=True)
class Edit:
    """How a region is edited: a method of METHODS, its donor, the seam, and the space that colours are matched in."""

    method: str = "self"
    donor: Donor | None = None
    poisson: bool = False
    colour_space: str = "rgb"


def edit_region(image: Pixels, points: Points, region: str, rng: np.random.Generator, edit: Edit) -> Forgery:
    """Alter one region of REGIONS in a crop (h, w, 3) by a donor's, by an altered copy of itself or by a warp.

    A donor's feature is laid on by the similarity of its landmarks; a donor's skin is bent to all of them, or it would
    leave ghosts of the donor's own features. Skin edited by itself is retouched in place.
    """
    shape = image.shape[0], image.shape[1]
    distance = eye_distance(points)
    where = region_mask(points, region, shape, 0.0 if region == SKIN else 0.10 * distance)
    source, covered = _source(image, points, region, rng, edit)
    where &= covered
    if edit.poisson:
        sound = binary_erosion(covered)  # gradients need a sound pixel beyond the seam, and a picture's edge has none
        where &= sound
        return blend(image, seamless(image, source, where), where.astype(np.float32))
    weight = _soft(where, sigma_px=max(0.7, 0.02 * face_width(points)))
    return blend(image, source, np.where(covered, weight, 0.0).astype(np.float32))


def _source(image: Pixels, points: Points, region: str, rng: np.random.Generator, edit: Edit) -> tuple[Pixels, Mask]:
    """The picture that the region is taken from, and where it is sound."""
    everywhere = np.ones(image.shape[:2], dtype=bool)
    if edit.method == "warp":
        return _warped(image, points, region, rng), everywhere
    if edit.donor is not None:
        return _donated(image, points, region, rng, donor=edit.donor, space=edit.colour_space)
    if region == SKIN:
        return _retouch(image, rng, eye_distance(points)), everywhere
    return _altered_copy(image, points, region, rng), everywhere


def _donated(
    image: Pixels, points: Points, region: str, rng: np.random.Generator, *, donor: Donor, space: str
) -> tuple[Pixels, Mask]:
    shape, distance = (image.shape[0], image.shape[1]), eye_distance(points)
    if region == SKIN:
        source, covered = bend(donor.image, donor.points, points, shape)
        covered &= region_mask(points, "face", shape)  # above the brows one's skin is another's hair
        return match_shade(source, image, region_mask(points, region, shape) & covered, 0.15 * distance), covered
    source, covered = warp(donor.image, similarity(donor.points[members(region)], points[members(region)]), shape)
    ring = region_mask(points, region, shape, 0.35 * distance) & ~region_mask(points, region, shape, 0.05 * distance)
    return match_colour(source, image, ring & covered, strength=rng.uniform(0.7, 1.0), space=space), covered


def _warped(image: Pixels, points: Points, region: str, rng: np.random.Generator) -> Pixels:
    """The region pushed larger or smaller, turned and shifted, the push fading to nothing towards its rim."""
    shape, size = (image.shape[0], image.shape[1]), eye_distance(points)
    grow = 0.0 if region == SKIN else 0.10 * size
    push = gaussian_filter(_soft(region_mask(points, region, shape, grow), sigma_px=0.06 * size), 0.03 * size)
    strong = 0.5 if region == SKIN else 1.0  # the pieces of skin are as wide as the face
    scale = 1 + strong * rng.uniform(0.10, 0.22) * rng.choice([-1, 1])
    degrees, shift = strong * rng.uniform(-6, 6), strong * size * rng.uniform(-0.04, 0.04, 2)
    centres = _centres(points, region)
    field = np.zeros((2, *shape))
    for number, centre in enumerate(centres):
        mirror = -1 if number else 1
        move = around(centre, scale=scale, degrees=mirror * degrees, shift=shift * [mirror, 1])
        field += _nearest(centres, number, shape) * push * backwards(move, shape)
    moved = displaced(image, field)
    return resample_jitter(moved, rng) if rng.random() < 0.3 else moved


def _soft(where: Mask, *, sigma_px: float) -> Plane:
    soft = feather(where.astype(np.float32), sigma_px)
    # a region only a few pixels high has no inside left after feathering inwards
    return soft if soft.max() > 0.6 else np.asarray(gaussian_filter(where.astype(np.float32), sigma_px, truncate=3.0))


def _altered_copy(image: Pixels, points: Points, region: str, rng: np.random.Generator) -> Pixels:
    """The region larger or smaller, turned, shifted and recoloured, piece by piece about its own centre."""
    shape = image.shape[0], image.shape[1]
    size = eye_distance(points)
    centres = _centres(points, region)
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


def _centres(points: Points, region: str) -> list[Points]:
    return [points[list(piece)].mean(axis=0) for piece in PIECES["face" if region == SKIN else region]]


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
