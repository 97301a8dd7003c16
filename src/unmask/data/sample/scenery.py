"""What lies out of focus behind the person, in linear light (H, W, 3)."""

import numpy as np
from PIL import Image, ImageDraw

from unmask.data.sample.fields import Field, Numbers, Rng, blur, enlarge, fractal, smooth

COARSE = 120  # side of the canvas that is blurred and enlarged


def draw_background(kind: str, size: int, rng: Rng) -> Field:
    """Draw one of portrait.BACKGROUNDS at SIZE pixels square."""
    canvas = {"wall": _wall, "foliage": _foliage, "shelf": _shelf, "sky": _sky, "office": _office}[kind](rng)
    sigma = {"wall": 1.5, "sky": 1.2}.get(kind, float(rng.uniform(1.6, 3.6)))
    soft = blur(canvas, sigma)
    return np.stack([np.clip(enlarge(np.ascontiguousarray(soft[..., c]), (size, size)), 0, None) for c in range(3)], -1)


def _wall(rng: Rng) -> Field:
    tone = rng.choice(
        [[0.55, 0.52, 0.46], [0.35, 0.40, 0.45], [0.22, 0.26, 0.24], [0.60, 0.58, 0.57], [0.33, 0.22, 0.18]]
    )
    tone = np.asarray(tone, np.float32) * rng.uniform(0.6, 1.15)
    y, x = np.mgrid[0:1:120j, 0:1:120j].astype(np.float32)
    fall = 1 - rng.uniform(0.2, 0.6) * np.hypot(x - rng.uniform(0, 1), y - rng.uniform(-0.2, 0.6))
    canvas = tone * (fall + 0.03 * fractal(rng, (COARSE, COARSE), 4, octaves=3))[..., None]
    if rng.random() < 0.5:
        image, draw = _canvas(canvas)
        left, top = rng.uniform(-20, 90), rng.uniform(-20, 40)
        colour = _colour(rng, 0.05, 0.6)
        draw.rectangle(
            (left, top, left + rng.uniform(25, 60), top + rng.uniform(25, 60)),
            fill=colour,
            outline=_colour(rng, 0.02, 0.2),
            width=3,
        )
        canvas = _linear(image)
    return np.asarray(canvas, np.float32)


def _foliage(rng: Rng) -> Field:
    base = np.array([0.05, 0.10, 0.03], np.float32) * rng.uniform(0.6, 2.2)
    shade = np.clip(1 + 0.5 * fractal(rng, (COARSE, COARSE), 4, octaves=4, gain=0.7), 0.1, 4)
    image, draw = _canvas(base * shade[..., None])
    for _ in range(int(rng.uniform(60, 160))):
        cx, cy, r = rng.uniform(-5, 125), rng.uniform(-5, 125), rng.uniform(1.5, 6)
        warm = rng.uniform(0, 1)
        level = rng.uniform(0.2, 1.0) ** 2
        fill = _encode(np.array([0.25 + 0.5 * warm, 0.6 + 0.1 * warm, 0.12 + 0.3 * rng.random()]) * level)
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=fill)
    return _linear(image)


def _shelf(rng: Rng) -> Field:
    image, draw = _canvas(np.full((COARSE, COARSE, 3), rng.uniform(0.02, 0.08), np.float32))
    pitch = rng.uniform(28, 45)
    for row in range(5):
        x, floor = -rng.uniform(0, 8), row * pitch + rng.uniform(0, 4)
        while x < COARSE:
            width = rng.uniform(3, 9)
            draw.rectangle((x, floor - pitch * rng.uniform(0.6, 0.85), x + width, floor), fill=_colour(rng, 0.03, 0.55))
            x += width + rng.uniform(0, 1.5)
        draw.rectangle((0, floor, COARSE, floor + 3), fill=_encode(np.array([0.16, 0.09, 0.05])))
    return _linear(image)


def _sky(rng: Rng) -> Field:
    y = np.linspace(0, 1, COARSE, dtype=np.float32)[:, None]
    top, low = np.array([0.16, 0.30, 0.62]), np.array([0.62, 0.70, 0.78])
    if rng.random() < 0.35:
        top, low = np.array([0.30, 0.30, 0.42]), np.array([0.85, 0.52, 0.30])
    sky = (top + (low - top) * y[..., None]) * np.ones((1, COARSE, 1))
    cloud = smooth(0.2, 1.4, fractal(rng, (COARSE, COARSE), 3, octaves=4, gain=0.55))[..., None]
    sky = sky + (np.array([0.85, 0.85, 0.86]) - sky) * cloud * 0.8
    horizon = rng.uniform(0.55, 1.3) + 0.05 * fractal(rng, (1, COARSE), 6, octaves=3)
    land = smooth(-0.01, 0.01, np.asarray(y - horizon, np.float32))[..., None]
    ground = np.array([0.10, 0.12, 0.07]) * (1 + 0.4 * fractal(rng, (COARSE, COARSE), 8, octaves=3))[..., None]
    return np.asarray((sky + (ground - sky) * land) * rng.uniform(0.6, 1.0), np.float32)


def _office(rng: Rng) -> Field:
    image, draw = _canvas(np.full((COARSE, COARSE, 3), 1, np.float32) * rng.uniform(0.12, 0.4, 3).mean())
    left = rng.uniform(-10, 70)
    for pane in range(int(rng.integers(1, 4))):
        x = left + pane * 26
        draw.rectangle(
            (x, rng.uniform(-15, 10), x + 22, rng.uniform(50, 80)),
            fill=_encode(np.array([0.75, 0.85, 0.95]) * rng.uniform(0.5, 1)),
        )
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform(-10, 110), rng.uniform(55, 115)
        draw.rectangle((x, y, x + rng.uniform(10, 40), y + rng.uniform(8, 40)), fill=_colour(rng, 0.02, 0.35))
    for _ in range(int(rng.integers(0, 7))):
        x, y, r = rng.uniform(0, 120), rng.uniform(0, 60), rng.uniform(2, 5)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_encode(np.array([1.0, 0.9, 0.7]) * rng.uniform(0.6, 1)))
    return _linear(image)


def _canvas(linear: Field) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.fromarray((np.sqrt(np.clip(linear, 0, 1)) * 255).astype(np.uint8))
    return image, ImageDraw.Draw(image)


def _encode(linear: Numbers) -> tuple[int, int, int]:
    r, g, b = (np.sqrt(np.clip(linear, 0, 1)) * 255).astype(int)
    return int(r), int(g), int(b)


def _linear(image: Image.Image) -> Field:
    return np.asarray((np.asarray(image, np.float32) / 255) ** 2, np.float32)


def _colour(rng: Rng, low: float, high: float) -> tuple[int, int, int]:
    level = rng.uniform(low, high)
    return _encode(level * (0.45 + 0.75 * rng.random(3)))
