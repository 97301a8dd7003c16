"""The forgers: each alters a camera picture before its final encoding and says exactly where.

What gives them away are camera noise and demosaicing traces that are missing or do not fit, resampling, seams of
blending and, most of all, an error of colour that is added to every forgery, our stand-in for the colour that generators
get wrong. TINTS and STRENGTHS tune how plain the traces are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unmask.data.sample.camera import Picture
from unmask.data.sample.detail import match_detail
from unmask.data.sample.fields import Field, Rng, blur, noise, smooth
from unmask.data.sample.generator import Generator, drift_face, place_change, redraw
from unmask.data.sample.warping import Points, align, face_mask, region_mask, resample, soften, spread

SEEN = ("faceswap", "regionedit", "upsampler", "inpaint")
UNSEEN = ("resynthesis", "warp")
STRENGTHS: dict[str, dict[str, tuple[float, float]]] = {  # each value is drawn from its range for every picture
    "faceswap": {"blend": (0.9, 1.0), "colour": (0.7, 1.0), "feather": (0.008, 0.025)},
    "regionedit": {"blend": (0.9, 1.0), "grow": (1.5, 1.9), "feather": (0.008, 0.018)},
    "upsampler": {"factor": (1.1, 1.6), "sharpen": (0.6, 1.4)},
    "inpaint": {"smooth": (1.4, 2.8), "keep": (0.1, 0.4), "area": (0.14, 0.28)},
    "resynthesis": {"change": (0.2, 0.45), "kept": (18, 36)},
    "warp": {"move": (0.04, 0.09), "soft": (0.25, 0.6)},
}
TINTS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {  # error of colour: levels of 255, and its pitch, px
    "faceswap": ((5, 10), (6, 9)),
    "regionedit": ((14, 19), (5, 8)),
    "upsampler": ((4, 9), (5, 7)),
    "inpaint": ((5, 10), (6, 9)),
    "resynthesis": ((3, 7), (4, 6)),
    "warp": ((4, 7), (8, 12)),
}
GRAIN_SHARE = (0.6, 1.0)  # how much of the fine detail that it lost a forgery gets back
RED_BLUE = np.array([[1.0, -0.509, 0.0], [0.0, -0.194, 1.0]], np.float32)  # directions of colour without luma (BT.601)
VISIBLE = 1.5  # levels of 255 that a pixel must change by to count as altered


@dataclass(frozen=True)
class Photo:
    """A camera picture (H, W, 3) and its landmarks (68, 2)."""

    pixels: Picture
    landmarks: Points


@dataclass(frozen=True)
class Forgery:
    """The altered picture, where it was altered (H, W, 0 or 255) and its landmarks."""

    pixels: Picture
    mask: NDArray[np.uint8]
    landmarks: Points


Made = tuple[Field, Field, Points]  # content (H, W, 3) of 0..255, soft mask (H, W), landmarks


def forge(name: str, target: Photo, donor: Photo, generator: Generator, rng: Rng) -> Forgery:
    """Alter TARGET by the forger NAME of SEEN or UNSEEN."""
    strength = {key: float(rng.uniform(*bounds)) for key, bounds in STRENGTHS[name].items()}
    content, mask, landmarks = FORGERS[name](target, donor, generator, strength, rng)
    original = target.pixels.astype(np.float32)
    content = match_detail(content, original, mask, share=float(rng.uniform(*GRAIN_SHARE)), rng=rng)
    content = content + colour_error(name, mask.shape, rng)
    mixed = original + (content - original) * mask[..., None]
    pixels = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    pixels[mask == 0] = target.pixels[mask == 0]
    changed = (mask > 0.08) & (blur(np.abs(mixed - original).mean(-1), 1.5) > VISIBLE)
    return Forgery(pixels, (ndimage.binary_closing(changed, iterations=2) * np.uint8(255)).astype(np.uint8), landmarks)


def _faceswap(target: Photo, donor: Photo, _: Generator, strength: dict[str, float], rng: Rng) -> Made:
    original = target.pixels.astype(np.float32)
    shape = (original.shape[0], original.shape[1])
    guest = align(
        donor.pixels.astype(np.float32), donor.landmarks, target.landmarks, shape, order=3 if rng.random() < 0.5 else 1
    )
    mask = face_mask(
        target.landmarks, shape, shrink=float(rng.uniform(0.02, 0.12)), feather=strength["feather"] * shape[0]
    )
    guest = _recolour(guest, original, mask, strength["colour"])
    return guest, mask * strength["blend"], target.landmarks


def _regionedit(target: Photo, donor: Photo, _: Generator, strength: dict[str, float], rng: Rng) -> Made:
    original = target.pixels.astype(np.float32)
    shape = (original.shape[0], original.shape[1])
    chosen = rng.choice(["eyes", "mouth", "nose"], size=int(rng.choice([1, 2], p=[0.6, 0.4])), replace=False)
    guest = align(
        donor.pixels.astype(np.float32), donor.landmarks, target.landmarks, shape, order=3 if rng.random() < 0.5 else 1
    )
    total, content = np.zeros(shape, np.float32), original.copy()
    for region in chosen:
        mask = region_mask(
            target.landmarks, str(region), shape, grow=strength["grow"], feather=strength["feather"] * shape[0]
        )
        part = _recolour(guest, original, mask, 0.95)
        content = np.where(mask[..., None] > 0, part, content)
        total = np.maximum(total, mask)
    return np.asarray(content, np.float32), total * strength["blend"], target.landmarks


def _upsampler(target: Photo, _: Photo, __: Generator, strength: dict[str, float], rng: Rng) -> Made:
    original = target.pixels.astype(np.float32)
    side = original.shape[0]
    small = 2 * round(side / strength["factor"] / 2)
    ticks = (np.arange(small, dtype=np.float32) + 0.5) * (side / small) - 0.5
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    code = resample(blur(original, 0.4 * side / small), x, y, order=1)
    code = code + strength["sharpen"] * (code - blur(code, 0.8))
    planted = np.zeros((2 * small, 2 * small, 3), np.float32)
    planted[::2, ::2] = code
    kernel = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    for axis in (0, 1):
        planted = ndimage.convolve1d(planted, kernel, axis=axis, mode="mirror")
    ticks = (np.arange(side, dtype=np.float32) + 0.5) * (2 * small / side) - 0.5
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    decoded = resample(planted, x, y, order=1)
    decoded = _recolour(decoded, original, np.ones(original.shape[:2], np.float32), 1.0)
    mask = face_mask(target.landmarks, (side, side), shrink=float(rng.uniform(0.0, 0.1)), feather=0.02 * side)
    return decoded, mask, target.landmarks


def _inpaint(target: Photo, _: Photo, __: Generator, strength: dict[str, float], rng: Rng) -> Made:
    original = target.pixels.astype(np.float32)
    side = original.shape[0]
    mask = np.zeros((side, side), np.float32)
    y, x = np.indices(mask.shape, np.float32)
    places = target.landmarks[
        rng.choice([2, 4, 12, 14, 21, 22, 29, 31, 35, 48, 54, 57, 8], size=int(rng.integers(2, 5)), replace=False)
    ]
    for place in places:
        cx, cy = place + (target.landmarks[30] - place) * rng.uniform(0.2, 0.55)
        wide, high = strength["area"] * side * rng.uniform(0.6, 1.0, 2)
        mask = np.maximum(mask, ((x - cx) / wide) ** 2 + ((y - cy) / high) ** 2 < 1)
    mask = soften(mask.astype(np.float32), 0.022 * side)
    sigma = strength["smooth"] * side / 176
    filled = blur(original, sigma)
    for _round in range(2):  # edges keep their place: smooth within like values only
        near = np.exp(-(((original - filled).mean(-1) / 16) ** 2))[..., None]
        filled = blur(original * near, sigma) / (blur(np.broadcast_to(near, original.shape), sigma) + 1e-3)
        filled = np.where(near > 0.1, filled, original).astype(np.float32)
    return filled + strength["keep"] * (original - filled), mask, target.landmarks


def _warp(target: Photo, _: Photo, __: Generator, strength: dict[str, float], rng: Rng) -> Made:
    points = target.landmarks
    original = target.pixels.astype(np.float32)
    shape = (original.shape[0], original.shape[1])
    span = float(np.ptp(points[:, 0]))
    middle = points[27:36].mean(0)
    moves = np.zeros_like(points)
    amount = strength["move"] * span
    for edit in rng.choice(["smile", "eyes", "jaw", "nose", "brows"], size=2, replace=False):
        sign = float(rng.choice([-1.0, 1.0]))
        if edit == "smile":
            moves[48:68] += _outward(points[48:68]) * 0.6 * amount * sign
            moves[[48, 54, 60, 64], 1] -= 1.4 * amount * sign
        elif edit == "eyes":
            moves[36:42] += _outward(points[36:42]) * 0.9 * amount * sign
            moves[42:48] += _outward(points[42:48]) * 0.9 * amount * sign
        elif edit == "jaw":
            moves[2:15, 0] += np.sign(middle[0] - points[2:15, 0]) * 1.2 * amount * sign
        elif edit == "nose":
            moves[31:36] += (points[33] - points[31:36]) / (0.1 * span) * 0.7 * amount * sign
        else:
            moves[17:27, 1] -= 1.1 * amount * sign
    dx, dy = spread(moves.astype(np.float32), points, shape, reach=0.075)
    y, x = np.indices(shape, np.float32)
    wobble = 0.25 * noise(rng, shape, (5, 5))
    moved = resample(blur(original, strength["soft"]), x - dx + wobble, y - dy + wobble, order=3)
    mask = face_mask(points, shape, shrink=-0.12, feather=0.02 * shape[0])
    mask = np.maximum(mask, smooth(0.3, 0.8, np.hypot(dx, dy)))
    at = np.clip(points.round().astype(int), 0, np.array(shape)[::-1] - 1)
    carried = points + np.stack([dx[at[:, 1], at[:, 0]], dy[at[:, 1], at[:, 0]]], 1)
    return moved, mask, carried.astype(np.float32)


def _outward(points: Points) -> Points:
    away = points - points.mean(0)
    return np.asarray(away / (np.abs(away).max() + 1e-6), np.float32)


def _resynthesis(target: Photo, _: Photo, generator: Generator, strength: dict[str, float], rng: Rng) -> Made:
    original = target.pixels.astype(np.float32)
    shape = (original.shape[0], original.shape[1])
    change = drift_face(generator, strength["change"], rng) * 255
    changed = original + place_change(generator, change, target.landmarks, shape)
    made = np.stack([redraw(generator, changed[..., c], int(strength["kept"])) for c in range(3)], -1)
    mask = face_mask(target.landmarks, shape, shrink=float(rng.uniform(-0.08, 0.04)), feather=0.03 * shape[0])
    return np.clip(made, 0, 255), mask, target.landmarks


FORGERS: dict[str, Callable[[Photo, Photo, Generator, dict[str, float], Rng], Made]] = {
    "faceswap": _faceswap,
    "regionedit": _regionedit,
    "upsampler": _upsampler,
    "inpaint": _inpaint,
    "resynthesis": _resynthesis,
    "warp": _warp,
}


def colour_error(name: str, shape: tuple[int, ...], rng: Rng) -> Field:
    """Errors of colour (H, W, 3) in levels of 255.

    They leave luma as it is, so that a picture's grey spectrum and sharpness say nothing of them.
    """
    levels, pitch = (rng.uniform(*bounds) for bounds in TINTS[name])
    height, width = shape
    waves = [noise(rng, (height, width), (height / pitch, width / pitch)) for _ in RED_BLUE]
    return np.asarray(sum(levels * wave[..., None] / wave.std() * way for wave, way in zip(waves, RED_BLUE, strict=True)))


def _recolour(content: Field, original: Field, mask: Field, share: float) -> Field:
    """Give CONTENT the mean and deviation that ORIGINAL has under the mask, and its slow shading."""
    weight = mask / (mask.sum() + 1e-6)
    mean_c, mean_o = (np.einsum("hwc,hw->c", p, weight) for p in (content, original))
    spread_c, spread_o = (
        np.sqrt(np.einsum("hwc,hw->c", (p - m) ** 2, weight)) for p, m in ((content, mean_c), (original, mean_o))
    )
    gain = np.clip(spread_o / (spread_c + 1e-3), 0.7, 1.4)
    matched = (content - mean_c) * gain + mean_o
    wide = 0.09 * original.shape[0]
    shading = blur((original - matched) * mask[..., None], wide) / (blur(mask, wide)[..., None] + 1e-2)
    return np.asarray(np.clip(content + (matched + 0.8 * shading - content) * share, 0, 255), np.float32)
