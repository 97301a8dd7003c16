"""The face's paint: reflectance and gloss over the canonical grid."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from unmask.data.sample.fields import Field, Rng, bump, fractal, mix, noise, smooth
from unmask.data.sample.portrait import Identity, Shot
from unmask.data.sample.shape import GRID_X, GRID_Y, STEP, X_LIMIT, Y_TOP

SHAPE = (len(GRID_Y), len(GRID_X))
FINE = 2  # strands are drawn this much finer than the grid
X, Y = GRID_X[None, :], GRID_Y[:, None]


@dataclass
class Paint:
    """Canonical maps: linear reflectance (H, W, 3), gloss, direct light added, and how eye-like a place is."""

    albedo: Field
    gloss: Field
    glow: Field
    eye: Field


def marks_of(person: Identity, shot: Shot) -> dict[str, float]:
    """Places of the features in the head frame, expression included."""
    s, male = person.shape, person.masculine
    opened = shot.open_mouth * 0.12
    return {
        "eye_x": 0.355 + 0.016 * s["eye_gap"],
        "eye_w": 0.166 + 0.010 * s["eye_size"],
        "eye_open": (0.070 + 0.009 * s["eye_open"]) * (1 - shot.blink) * (1 - 0.18 * max(shot.smile, 0.0)),
        "eye_tilt": 0.07 + 0.05 * s["eye_tilt"],
        "brow_y": -0.215 + 0.018 * s["brow_height"] + 0.03 * male,
        "nose_y": 0.40 + 0.025 * s["nose_length"],
        "nose_w": 0.118 + 0.012 * s["nose_width"] + 0.012 * male,
        "mouth_y": 0.755 + 0.014 * s["mouth_height"],
        "mouth_w": (0.275 + 0.018 * s["mouth_width"]) * (1 + 0.16 * shot.smile - 0.12 * shot.open_mouth),
        "mouth_curve": 0.018 + 0.055 * shot.smile,
        "lip_up": 0.062 + 0.010 * s["lip_upper"] - 0.010 * male,
        "lip_low": 0.084 + 0.011 * s["lip_lower"] - 0.010 * male,
        "gap": opened,
    }


def paint_skin(person: Identity, shot: Shot, marks: dict[str, float], rng: Rng) -> Paint:
    """Paint skin, lips, brows and beard; RNG must be the identity's, so that spots persist."""
    tone = np.array(person.skin_tone, np.float32)
    blotch = fractal(rng, SHAPE, 6, octaves=3)
    grain = noise(rng, SHAPE, (190, 150))
    pores = noise(rng, SHAPE, (330, 260))
    flush = 0.30 * _cheeks() + 0.35 * bump(Y, marks["nose_y"] + 0.03, 0.12) * bump(X, 0, 0.13)
    flush = flush + 0.15 * bump(Y, 1.05, 0.1) * bump(X, 0, 0.15) + 0.07 * blotch
    dull = 0.2 * (bump(Y, 0.13, 0.07) * _twice(marks["eye_x"], 0.13)) * (0.4 + 0.6 * person.age)
    albedo = tone * (1 + (0.030 * grain + 0.022 * pores * (0.6 + person.age) + 0.035 * blotch)[..., None])
    albedo = albedo * (1 + flush[..., None] * np.array([0.16, -0.16, -0.14], np.float32))
    albedo = albedo * (1 - dull[..., None] * np.array([0.8, 1.0, 0.8], np.float32))
    albedo = _spots(albedo, person, rng)
    gloss = 0.5 + 0.35 * bump(X, 0, 0.3) * smooth(-0.3, -0.5, Y) + 0.6 * bump(X, 0, 0.1) * bump(Y, 0.2, 0.3)
    gloss = (gloss + 0.12 * grain) * (1.1 - 0.3 * person.age)
    albedo *= (1 - _wrinkles(person, shot, marks, rng))[..., None]
    albedo = _holes(albedo, marks)
    albedo = _beard(albedo, person, marks, rng)
    paint = Paint(
        albedo.astype(np.float32), gloss.astype(np.float32), np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    )
    _mouth(paint, person, marks, rng)
    _brows(paint, person, marks, rng)
    return paint


def _cheeks() -> Field:
    return bump(Y, 0.3, 0.2) * _twice(0.45, 0.2)


def _twice(centre: float, width: float) -> Field:
    return bump(X, centre, width) + bump(X, -centre, width)


def _spots(albedo: Field, person: Identity, rng: Rng) -> Field:
    image = Image.new("L", (SHAPE[1], SHAPE[0]))
    draw = ImageDraw.Draw(image)
    for _ in range(int(140 * person.freckles)):
        cx, cy = (rng.normal(0, 0.38) + X_LIMIT) / STEP, (rng.normal(0.2, 0.22) - Y_TOP) / STEP
        radius = rng.uniform(0.6, 1.9)
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=int(rng.uniform(40, 150)))
    for _ in range(rng.poisson(1.5 + 5 * person.age)):
        cx, cy = (rng.uniform(-0.7, 0.7) + X_LIMIT) / STEP, (rng.uniform(-0.6, 1.1) - Y_TOP) / STEP
        radius = rng.uniform(0.8, 3.2)
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=int(rng.uniform(80, 230)))
    share = np.asarray(image, np.float32) / 255
    return np.asarray(albedo * (1 - 0.55 * share[..., None] * np.array([0.6, 1.0, 1.1], np.float32)), np.float32)


def _wrinkles(person: Identity, shot: Shot, marks: dict[str, float], rng: Rng) -> Field:
    bend = 0.05 * noise(rng, SHAPE, (5, 6)) + 0.03 * X**2
    lines = np.clip(np.cos((Y + bend) * 2 * np.pi / 0.115 + rng.uniform(0, 6)), 0, 1) ** 10
    brow = lines * smooth(-0.32, -0.42, Y) * smooth(-0.78, -0.64, Y) * bump(X, 0, 0.5)
    fan = np.zeros(SHAPE, np.float32)
    for side in (-1, 1):
        dx, dy = side * X - (marks["eye_x"] + marks["eye_w"]), Y - 0.01
        angle = np.arctan2(dy, np.maximum(dx, 1e-3))
        fan += (
            np.clip(np.cos(angle * 9 + 0.5), 0, 1) ** 6
            * smooth(0.02, 0.06, dx)
            * smooth(0.24, 0.12, dx)
            * smooth(1.2, 0.8, np.abs(angle))
        )
    bag = bump(Y - 0.115 - 0.03 * np.cos((np.abs(X) - marks["eye_x"]) * 6), 0, 0.012) * _twice(marks["eye_x"], 0.14)
    amount = max(0.0, person.age - 0.25)
    return np.asarray(amount * (0.26 * brow + 0.16 * fan * (1 + max(shot.smile, 0.0)) + 0.30 * bag), np.float32)


def _holes(albedo: Field, marks: dict[str, float]) -> Field:
    cx, cy = 0.56 * marks["nose_w"], marks["nose_y"] + 0.102
    hole = np.zeros(SHAPE, np.float32)
    for side in (-1, 1):
        turned = (Y - cy) - 0.25 * (side * X - cx)
        hole += np.exp(-((((side * X - cx) / 0.042) ** 2 + (turned / 0.016) ** 2) ** 1.3))
    under = 0.14 * bump(Y, cy + 0.02, 0.03) * bump(X, 0, 1.0 * marks["nose_w"])
    return np.asarray(albedo * (1 - np.clip(0.82 * hole + under, 0, 0.92))[..., None], np.float32)


def _mouth(paint: Paint, person: Identity, marks: dict[str, float], rng: Rng) -> None:
    t = np.clip(X / marks["mouth_w"], -1.0, 1.0)
    arch = np.sqrt(1 - t * t)
    middle = marks["mouth_y"] - marks["mouth_curve"] * t * t * 1.4
    half = 0.5 * marks["gap"] * arch
    bow = 1 - 0.20 * bump(t, 0, 0.16) + 0.12 * bump(np.abs(t), 0.26, 0.16)
    top, bottom = middle - half - marks["lip_up"] * arch**1.2 * bow, middle + half + marks["lip_low"] * arch**1.15
    soft = 0.012
    inside = (
        smooth(-soft, soft, Y - top) * smooth(-soft, soft, bottom - Y) * smooth(1.0, 0.93, np.abs(X) / marks["mouth_w"])
    )
    tone = np.array(person.skin_tone, np.float32)
    red = np.array([0.90, 0.50, 0.53], np.float32) + (1 - person.masculine) * np.array([0.10, -0.16, -0.10], np.float32)
    creases = 1 + 0.09 * noise(rng, SHAPE, (9, 150)) + 0.05 * noise(rng, SHAPE, (60, 120))
    upper = smooth(0.01, -0.02, Y - middle)
    lips = tone * red * (creases * (1 - 0.18 * upper))[..., None]
    paint.albedo[:] = mix(paint.albedo, lips, 0.9 * inside)
    paint.gloss += 1.3 * inside * (1 - 0.7 * upper) * creases
    cavity = smooth(-0.008, 0.008, half - np.abs(Y - middle)) * smooth(1.0, 0.9, np.abs(t)) * (marks["gap"] > 0)
    paint.albedo[:] = mix(paint.albedo, [0.030, 0.010, 0.009], np.asarray(cavity, np.float32))
    if marks["gap"] > 0:
        lower_edge = middle - half + min(0.075, 0.75 * marks["gap"])
        gaps = 1 - 0.5 * np.exp(-((((X / 0.052 + 0.5) % 1.0 - 0.5) / 0.09) ** 2))
        teeth = smooth(-0.006, 0.010, lower_edge - Y) * cavity * smooth(0.95, 0.6, np.abs(t)) * gaps
        paint.albedo[:] = mix(paint.albedo, [0.50, 0.44, 0.36], np.asarray(0.9 * teeth, np.float32))
        paint.gloss *= 1 - 0.9 * cavity
    line = (
        bump(Y - middle, 0, 0.011)
        * smooth(1.08, 0.9, np.abs(X) / marks["mouth_w"])
        * (0.72 if marks["gap"] == 0 else 0.0)
    )
    paint.albedo *= (1 - line)[..., None]


def _brows(paint: Paint, person: Identity, marks: dict[str, float], rng: Rng) -> None:
    image = Image.new("L", (SHAPE[1] * FINE, SHAPE[0] * FINE))
    draw = ImageDraw.Draw(image)
    thick = 0.050 + 0.010 * person.shape["brow_thick"] + 0.014 * person.masculine
    count = int(150 + 60 * person.masculine + 25 * person.shape["brow_thick"])
    for side in (-1, 1):
        for place, spread in zip(np.sort(rng.random(count)), rng.uniform(-1, 1, count), strict=True):
            x = 0.13 + 0.40 * place + 0.3 * (marks["eye_x"] - 0.345)
            base = marks["brow_y"] - (0.07 + 0.02 * person.shape["brow_tilt"]) * np.sin(
                np.pi * min(1.0, place * 1.05) * 0.72
            )
            y = base + spread * 0.5 * thick * (1 - 0.75 * place**2)
            lean = np.deg2rad(70 - 75 * min(1.0, place * 1.5) + rng.normal(0, 10)) + (
                0.5 * spread if place > 0.3 else 0.0
            )
            length = rng.uniform(0.035, 0.065)
            end = (x + length * np.cos(lean), y - length * np.sin(lean) + 0.02 * place)
            draw.line([_pixel(side * x, y), _pixel(side * end[0], end[1])], fill=int(rng.uniform(140, 250)), width=2)
    share = np.asarray(image.resize((SHAPE[1], SHAPE[0]), Image.Resampling.BOX), np.float32) / 255
    light = 0.75 if person.hair_colour in {"blond", "red", "grey"} else 0.95
    paint.albedo[:] = mix(paint.albedo, np.array(person.hair_tone) * 0.75, light * share)
    paint.gloss *= 1 - 0.7 * share


def _beard(albedo: Field, person: Identity, marks: dict[str, float], rng: Rng) -> Field:
    jaw = smooth(0.45, 0.85, Y + 0.45 * np.abs(X) ** 1.5) * smooth(0.30, 0.60, Y + 0.3 * (np.abs(X) - 0.5))
    lip = bump(Y, marks["mouth_y"] - 0.13, 0.06) * smooth(0.30, 0.2, np.abs(X))
    area = np.clip(jaw + lip, 0, 1) * (1 - 0.9 * bump(Y, marks["mouth_y"] + 0.02, 0.07) * smooth(0.27, 0.18, np.abs(X)))
    shadow = 0.10 * person.masculine * area
    if person.beard == 0:
        return np.asarray(albedo * (1 - shadow[..., None] * np.array([1.2, 1.0, 0.85], np.float32)), np.float32)
    image = Image.new("L", (SHAPE[1] * FINE, SHAPE[0] * FINE))
    draw = ImageDraw.Draw(image)
    count, long = int(900 + 3200 * person.beard), 0.012 + 0.055 * max(0.0, person.beard - 0.5)
    xs, ys = rng.uniform(-0.78, 0.78, count), rng.uniform(0.3, 1.22, count)
    keep = (
        rng.random(count)
        < area[np.clip(((ys - Y_TOP) / STEP).astype(int), 0, SHAPE[0] - 1), ((xs + X_LIMIT) / STEP).astype(int)]
    )
    tones, leans = rng.uniform(90, 220, count), rng.normal(0, 0.35, count)
    for x, y, tone, lean in zip(xs[keep], ys[keep], tones[keep], leans[keep], strict=True):
        draw.line(
            [_pixel(x, y), _pixel(x + long * (lean + 0.5 * x), y + long)],
            fill=int(tone),
            width=1 + (person.beard > 0.8),
        )
    share = np.asarray(image.resize((SHAPE[1], SHAPE[0]), Image.Resampling.BOX), np.float32) / 255
    cover = np.clip(share + area * 0.62 * max(0.12, person.beard - 0.3), 0, 0.95)
    return mix(albedo, np.array(person.hair_tone) * 0.8, np.asarray(cover, np.float32))


def _pixel(x: float, y: float) -> tuple[float, float]:
    return (x + X_LIMIT) / STEP * FINE, (y - Y_TOP) / STEP * FINE
