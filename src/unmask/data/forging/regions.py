"""Face regions from 68 iBUG landmarks, as masks over the crop."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from unmask.errors import DataError

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

JAW, BROWS, NOSE = tuple(range(17)), tuple(range(17, 27)), tuple(range(27, 36))
EYES, OUTER_LIP, INNER_LIP = tuple(range(36, 48)), tuple(range(48, 60)), tuple(range(60, 68))
# The pieces whose hulls make a region; two eyes are two hulls, or the hull would bridge the nose.
PIECES: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "eyes": (tuple(range(36, 42)), tuple(range(42, 48))),
        "eyebrows": (tuple(range(17, 22)), tuple(range(22, 27))),
        "nose": (NOSE,),
        "mouth": (OUTER_LIP,),
        "inner mouth": (INNER_LIP,),
        "face": (JAW + BROWS,),
    }
)


def as_points(landmarks: object) -> Points:
    """Landmarks as stored, 136 numbers x, y, x, y ..., to points (68, 2) in crop pixels.

    Raises:
        DataError: there are not 136 finite numbers.
    """
    flat = np.asarray(landmarks, dtype=np.float64).reshape(-1)
    if flat.size != 136 or not np.isfinite(flat).all():
        raise DataError(f"landmarks: {flat.size} numbers where 136 finite ones are needed")
    return flat.reshape(68, 2)


def eye_distance(points: Points) -> float:
    """Distance between the centres of the eyes, px."""
    return float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))


def face_width(points: Points) -> float:
    """Width of the jaw line, px."""
    return float(np.linalg.norm(points[16] - points[0]))


def raise_brows(points: Points, share: float) -> Points:
    """Points with the brows moved away from the chin by SHARE of the brow-to-chin distance, to take in the forehead."""
    raised = points.copy()
    raised[list(BROWS)] += share * (points[list(BROWS)].mean(axis=0) - points[8])
    return raised


def hull_mask(points: Points, shape: tuple[int, int], grow_px: float = 0.0) -> Mask:
    """Convex hull of points (k, 2), grown by GROW_PX on all sides, as a mask (h, w)."""
    canvas = Image.new("1", (shape[1], shape[0]))
    if grow_px:
        angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        ring = grow_px * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        points = (points[:, None] + ring).reshape(-1, 2)
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:  # all points on one line: nothing to fill
        return np.zeros(shape, dtype=bool)
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in corners], fill=1)
    return np.asarray(canvas, dtype=bool)


def region_mask(points: Points, region: str, shape: tuple[int, int], grow_px: float = 0.0) -> Mask:
    """Union of the hulls of a region's pieces, mask (h, w); REGION is a key of PIECES or `skin`.

    Skin is the face with some forehead, less eyes, eyebrows, nose and mouth.
    """
    if region == "skin":
        margin = 0.06 * eye_distance(points)
        features = [region_mask(points, name, shape, margin) for name in ("eyes", "eyebrows", "nose", "mouth")]
        face = region_mask(raise_brows(points, 0.25), "face", shape, grow_px)
        return np.asarray(face & ~np.logical_or.reduce(features))
    mask = np.zeros(shape, dtype=bool)
    for piece in PIECES[region]:
        mask |= hull_mask(points[list(piece)], shape, grow_px)
    return mask


def label_masks(points: Points, shape: tuple[int, int]) -> dict[str, Mask]:
    """One mask (h, w) for each local label of the face vocabularies (eye, eyebrow, lip, mouth, nose, skin)."""
    thin = 0.04 * eye_distance(points)
    mouth = region_mask(points, "mouth", shape)
    inner = region_mask(points, "inner mouth", shape)
    return {
        "eye": region_mask(points, "eyes", shape),
        "eyebrow": region_mask(points, "eyebrows", shape, thin),
        "lip": mouth & ~inner,
        "mouth": mouth,
        "nose": region_mask(points, "nose", shape),
        "skin": region_mask(points, "skin", shape),
    }


def members(region: str) -> list[int]:
    """Indices of a region's landmarks."""
    return sorted({index for piece in PIECES["face" if region == "skin" else region] for index in piece})


def inside_share(points: Points, region: str, shape: tuple[int, int]) -> float:
    """Share of a region's landmarks that lie inside the crop."""
    chosen = points[members(region)]
    inside = (chosen >= 0).all(axis=1) & (chosen < np.array([shape[1], shape[0]])).all(axis=1)
    return float(inside.mean())
