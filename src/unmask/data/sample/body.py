"""Neck, clothing and ears, in view coordinates (head units, origin at the head's centre)."""

import numpy as np

from unmask.data.sample.fields import Field, Rng, blur, fractal, noise, smooth
from unmask.data.sample.lighting import shade
from unmask.data.sample.portrait import Identity, Shot

GARMENTS = (
    (0.03, 0.035, 0.05),
    (0.45, 0.44, 0.42),
    (0.16, 0.03, 0.03),
    (0.05, 0.09, 0.18),
    (0.10, 0.12, 0.07),
    (0.02, 0.02, 0.02),
    (0.30, 0.18, 0.10),
    (0.25, 0.30, 0.38),
)


def draw_body(picture: Field, person: Identity, shot: Shot, turn: Field, *, x: Field, y: Field, rng: Rng) -> Field:
    """Paint neck and clothes over the picture (H, W, 3), in place."""
    start = int(np.searchsorted(y[:, 0], 0.25))
    if start < len(y):
        picture[start:] = _neck_and_cloth(picture[start:], person, shot, turn, x=x[start:], y=y[start:], rng=rng)
    return picture


def _neck_and_cloth(
    picture: Field, person: Identity, shot: Shot, turn: Field, *, x: Field, y: Field, rng: Rng
) -> Field:
    chin = turn @ np.array([0, 0.95, 0.1], np.float32)
    broad = 0.40 + 0.09 * person.masculine
    slant = np.clip((y - chin[1]) / 1.0, 0, 1)
    across = (x - chin[0] * (1 - slant)) / (broad * (1 + 0.25 * slant**2))
    flat = np.zeros_like(x)
    normal = _unit(across, flat - 0.12, np.sqrt(np.clip(1 - across**2, 0.01, 1)))
    tone = (
        np.array(person.skin_tone, np.float32)
        * (1 + 0.03 * fractal(rng, (x.shape[0], x.shape[1]), 30, octaves=3))[..., None]
    )
    tendon = 1 - 0.10 * np.exp(-(((np.abs(across) - 0.35 - 0.3 * (1 - slant)) / 0.10) ** 2)) * person.masculine
    lit = 1 - 0.72 * smooth(chin[1] + 0.72, chin[1] + 0.12, y + 0.1 * np.abs(across))
    neck = shade(
        shot, albedo=tone * tendon[..., None], normal=normal, gloss=flat + 0.4, lit=lit, ambient=0.35 + 0.6 * lit
    )
    picture = _over(picture, neck, smooth(1.03, 0.97, np.abs(across)) * smooth(0.3, 0.4, y))
    return _garment(picture, shot, person, x=x, y=y, rng=rng)


def _garment(picture: Field, shot: Shot, person: Identity, *, x: Field, y: Field, rng: Rng) -> Field:
    shape = (x.shape[0], x.shape[1])
    tone = np.array(GARMENTS[int(rng.integers(len(GARMENTS)))], np.float32) * rng.uniform(0.7, 1.3)
    depth, steep = rng.uniform(0.0, 0.3), rng.uniform(0.4, 1.6)
    away = np.abs(x)
    shoulder = 1.36 + 0.55 * np.clip(away - 0.44, 0, 3) ** 0.85 * (0.75 - 0.2 * person.masculine)
    neckline = 1.40 + depth - steep * 0.35 * away**1.3 * 1.6
    top = np.maximum(shoulder, np.where(away < 0.62, neckline, 0.0))
    folds = blur(fractal(rng, shape, 4, octaves=3), 2.0)
    rise_y, rise_x = np.gradient(folds)
    weave = 1 + 0.06 * noise(rng, shape, (170, 170))
    if rng.random() < 0.3:
        weave = weave * (1 + 0.30 * np.sign(np.sin((y + 0.02 * folds) * rng.uniform(25, 60) + x * rng.choice([0, 40]))))
    bend = 12.0
    normal = _unit(0.45 * x - bend * rise_x, -0.55 + 0.0 * x - bend * rise_y, 0.8 + 0.0 * x)
    close = smooth(0.0, 0.5, y - 1.2)
    lit = np.asarray(0.4 + 0.6 * close, np.float32)
    cloth = shade(shot, albedo=tone * weave[..., None], normal=normal, gloss=0.05 + 0 * x, lit=lit, ambient=lit)
    hem = np.clip(1 - 0.45 * np.exp(-(((y - top - 0.035) / 0.012) ** 2)), 0, 1) if rng.random() < 0.7 else 1 + 0 * x
    shadow = smooth(-0.10, 0.0, y - top)
    picture = picture * (1 - 0.35 * shadow * smooth(0.6, 0.4, away))[..., None]
    return _over(picture, cloth * hem[..., None], smooth(-0.008, 0.008, np.asarray(y - top, np.float32)))


def draw_ears(picture: Field, person: Identity, shot: Shot, turn: Field, *, x: Field, y: Field) -> Field:
    """Paint the ears that the pose shows, in place; the head drawn later hides the rest."""
    for side in (-1.0, 1.0):
        centre = turn @ np.array([side * (0.775 + 0.03 * person.shape["width"]), 0.16, -0.12], np.float32)
        if 0.75 - side * shot.yaw < 0.3:
            continue
        rows = slice(*np.searchsorted(y[:, 0], (centre[1] - 0.34, centre[1] + 0.34)))
        columns = slice(*np.searchsorted(x[0], (centre[0] - 0.28, centre[0] + 0.28)))
        away = (x[rows, columns] - centre[0], y[rows, columns] - centre[1])
        ear, cover = _ear(person, shot, side, away)
        picture[rows, columns] = _over(picture[rows, columns], ear, cover)
    return picture


def _ear(person: Identity, shot: Shot, side: float, away: tuple[Field, Field]) -> tuple[Field, Field]:
    dx, dy = away
    u = side * dx / (0.10 * (0.75 - side * shot.yaw) + 0.035)
    v = (dy - 0.15 * dx) / (0.235 + 0.015 * person.shape["ear"])
    radius = np.sqrt((u + 0.25 * v) ** 2 + v * v)
    shell = np.exp(-(((radius - 0.80) / 0.13) ** 2))
    bowl = np.exp(-(((u + 0.15) / 0.38) ** 2 + ((v - 0.1) / 0.36) ** 2))
    normal = _unit(side * (0.5 * u + 0.5 * shell * u), 0.4 * v, 0.75 - 0.3 * shell)
    albedo = np.array(person.skin_tone, np.float32) * np.array([1.12, 0.88, 0.86], np.float32)
    paint = albedo * (1 - 0.62 * bowl - 0.22 * np.exp(-(((radius - 0.58) / 0.09) ** 2)))[..., None]
    lit = np.full_like(dx, 0.9 if side * shot.light_from[0] > -0.3 else 0.25)
    ear = shade(shot, albedo=paint, normal=normal, gloss=0.5 * shell, lit=lit, ambient=0.75 + 0 * dx)
    return ear, smooth(1.04, 0.96, np.asarray(radius, np.float32))


def _unit(nx: Field, ny: Field, nz: Field) -> Field:
    normal = np.stack(np.broadcast_arrays(nx, ny, nz), -1)
    return np.asarray(normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6), np.float32)


def _over(picture: Field, layer: Field, cover: Field) -> Field:
    return np.asarray(picture + (layer - picture) * cover[..., None], np.float32)
