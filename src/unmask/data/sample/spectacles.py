"""Glasses: rims, bridge, arms, reflections and their shadow, on a plane before the eyes."""

import numpy as np

from unmask.data.sample.fields import Field, Numbers, Rng, smooth
from unmask.data.sample.portrait import Shot

RIMS = ((0.012, 0.011, 0.011), (0.05, 0.025, 0.012), (0.30, 0.26, 0.20), (0.09, 0.02, 0.02), (0.20, 0.21, 0.22))


def draw_glasses(
    picture: Field, shot: Shot, turn: Field, marks: dict[str, float], *, x: Field, y: Field, rng: Rng
) -> Field:
    """Paint glasses over the picture (H, W, 3)."""
    tone = np.array(RIMS[int(rng.integers(len(RIMS)))], np.float32)
    thick, corner = rng.uniform(0.012, 0.030), rng.uniform(0.07, 0.17)
    half = np.array([rng.uniform(0.235, 0.275), rng.uniform(0.155, 0.205)])
    shade_x, shade_y = (-0.10 * shot.light_from[0], 0.05)
    shadow = _frame(*_plane(turn, x + shade_x, y - shade_y, 0.93), marks, half=half, corner=corner, thick=thick * 1.6)
    picture = picture * (1 - 0.35 * smooth(0.02, -0.02, shadow[0]))[..., None]
    px, py = _plane(turn, x, y, 1.02)
    rim, lens = _frame(px, py, marks, half=half, corner=corner, thick=thick)
    slope = rng.uniform(0.4, 1.4)
    band = np.exp(-((((px + slope * py - rng.uniform(-0.3, 0.3)) % 0.72 - 0.36) / 0.075) ** 2))
    sheen = rng.choice([0.02, 0.07, 0.16]) * (0.4 + 0.6 * band) * smooth(0.0, -0.02, lens)
    picture = (
        picture * (1 - 0.05 * smooth(0.0, -0.01, lens))[..., None]
        + sheen[..., None] * np.array([0.8, 0.95, 1.05]) * shot.key
    )
    light = shot.ambient + shot.key * (0.45 - 0.35 * np.clip(rim / thick, -1, 0))
    cover = smooth(0.005, -0.005, rim)
    glint = 0.14 * np.exp(-(((rim + 0.6 * thick) / (0.3 * thick)) ** 2)) * shot.key
    rims = tone * light[..., None] + glint[..., None]
    return np.asarray(picture + (rims - picture) * cover[..., None], np.float32)


def _plane(turn: Field, x: Field, y: Field, height: float) -> tuple[Field, Field]:
    """Head-frame places where view rays meet the plane z = HEIGHT."""
    z = (height - turn[0, 2] * x - turn[1, 2] * y) / turn[2, 2]
    return turn[0, 0] * x + turn[1, 0] * y + turn[2, 0] * z, turn[0, 1] * x + turn[1, 1] * y + turn[2, 1] * z


def _frame(
    px: Field, py: Field, marks: dict[str, float], *, half: Numbers, corner: float, thick: float
) -> tuple[Field, Field]:
    """Signed distances, head units, to the frame and to the lenses."""
    away = np.abs(px)
    dx = np.abs(away - marks["eye_x"] - 0.02) - (half[0] - corner)
    dy = np.abs(py - 0.03 + 0.05 * (away - marks["eye_x"])) - (half[1] - corner)
    lens = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - corner
    inner, outer = marks["eye_x"] + 0.02 - half[0], marks["eye_x"] + 0.02 + half[0]
    bridge = np.maximum(np.abs(py + 0.03 - 0.25 * away**2) - 0.5 * thick, away - inner)
    arm = np.maximum(np.abs(py + 0.06) - 0.7 * thick, np.maximum(outer - away, away - 0.735))
    frame = np.minimum(np.minimum(np.abs(lens) - 0.5 * thick, bridge), arm)
    return np.asarray(frame, np.float32), np.asarray(lens, np.float32)
