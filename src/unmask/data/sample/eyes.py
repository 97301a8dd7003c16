"""Eyes painted over the canonical skin: lids, lashes, sclera, iris, pupil and highlight."""

import numpy as np
from PIL import Image, ImageDraw

from unmask.data.sample.fields import Field, Rng, bump, mix, noise, smooth
from unmask.data.sample.portrait import Identity, Shot
from unmask.data.sample.shape import GRID_X, GRID_Y, STEP
from unmask.data.sample.skin import FINE, Paint

MARGIN = 0.30  # half width of the window painted around an eye, head units
IRIS_RADIUS = 0.073


def paint_eyes(paint: Paint, person: Identity, shot: Shot, marks: dict[str, float], rng: Rng) -> None:
    """Paint both eyes in place."""
    spokes = noise(rng, (8, 64), (4, 40))
    for side in (-1, 1):
        rows = slice(*np.searchsorted(GRID_Y, (-0.27, 0.27)))
        columns = slice(*np.searchsorted(GRID_X, (side * marks["eye_x"] - MARGIN, side * marks["eye_x"] + MARGIN)))
        window = Paint(
            paint.albedo[rows, columns], paint.gloss[rows, columns], paint.glow[rows, columns], paint.eye[rows, columns]
        )
        x = np.broadcast_to(GRID_X[None, columns], window.gloss.shape) - np.float32(side * marks["eye_x"])
        y = np.broadcast_to(GRID_Y[rows, None], window.gloss.shape)
        _paint_eye(window, person, shot, marks, side=side, x=x, y=y, spokes=spokes)
        _lashes(window, person, marks, rng, side=side, origin=(float(x[0, 0]), float(y[0, 0])))


def lids(marks: dict[str, float], t: Field) -> tuple[Field, Field]:
    """Heights of the upper and lower lid's edge at T, -1 at the inner corner to 1 at the outer."""
    arch = np.sqrt(np.clip(1 - t * t, 0, 1))
    slope = -marks["eye_tilt"] * marks["eye_w"] * t
    upper = slope - marks["eye_open"] * arch ** (1.15 + 0.25 * t)
    lower = slope + 0.62 * marks["eye_open"] * arch ** (1.3 - 0.2 * t)
    return np.asarray(upper, np.float32), np.asarray(lower, np.float32)


def _paint_eye(
    window: Paint,
    person: Identity,
    shot: Shot,
    marks: dict[str, float],
    *,
    side: int,
    x: Field,
    y: Field,
    spokes: Field,
) -> None:
    t = np.clip(side * x / marks["eye_w"], -1, 1)
    upper, lower = lids(marks, t)
    soft = 0.006
    ends = smooth(1.02, 0.95, np.abs(x) / marks["eye_w"])
    inside = smooth(-soft, soft, y - upper) * smooth(-soft, soft, lower - y) * ends
    gx, gy = x - 0.28 * shot.gaze[0], y - (upper.min() * 0.18 + 0.25 * shot.gaze[1])
    eye = _eyeball(person, gx, gy, t, spokes=spokes)
    eye *= (1 - 0.62 * smooth(0.045, 0.0, y - upper))[..., None]
    crease = bump(y - upper + 0.045 + 0.012 * person.shape["lid"], 0, 0.013) * smooth(
        1.15, 0.6, np.abs(x) / marks["eye_w"]
    )
    rim = bump(lower - y, -0.010, 0.010) * ends
    edge = bump(y - upper, -0.004, 0.011) * ends
    window.albedo *= (1 - 0.50 * crease - 0.55 * edge)[..., None]
    window.albedo[:] = mix(window.albedo, window.albedo * np.array([1.12, 0.85, 0.85], np.float32), rim)
    window.albedo[:] = mix(window.albedo, eye, inside)
    window.gloss *= 1 - inside
    window.eye += inside
    lx, ly, _ = shot.light_from
    spot = np.hypot(gx - 0.028 * lx, gy - 0.030 * min(ly, -0.2))
    faint = np.hypot(gx + 0.030 * lx, gy - 0.030)
    window.glow += inside * (0.95 * smooth(0.0175, 0.0095, spot) + 0.10 * smooth(0.016, 0.008, faint))


def _eyeball(person: Identity, gx: Field, gy: Field, t: Field, *, spokes: Field) -> Field:
    """Reflectance (H, W, 3) of sclera, iris and pupil around the place that the eye looks from."""
    radius = np.hypot(gx, gy)
    angle = (np.arctan2(gy, gx) / (2 * np.pi) + 0.5) * 63
    rays = spokes[np.clip(radius / IRIS_RADIUS * 7, 0, 7).astype(int), angle.astype(int)]
    sclera = np.array([0.43, 0.395, 0.365], np.float32) * (1 - 0.45 * t**2)[..., None]
    sclera = mix(sclera, [0.52, 0.26, 0.22], 0.5 * smooth(-0.75, -1.0, t))
    ring = 1 - 0.75 * smooth(0.78, 1.0, radius / IRIS_RADIUS)
    iris = np.array(person.iris) * ((1 + 0.35 * rays + 0.5 * bump(radius, 0.45 * IRIS_RADIUS, 0.015)) * ring)[..., None]
    eye = mix(sclera, iris.astype(np.float32), smooth(IRIS_RADIUS + 0.005, IRIS_RADIUS - 0.004, radius))
    return mix(eye, [0.006, 0.005, 0.005], smooth(0.032, 0.026, radius))


def _lashes(
    window: Paint, person: Identity, marks: dict[str, float], rng: Rng, *, side: int, origin: tuple[float, float]
) -> None:
    shape = window.gloss.shape
    image = Image.new("L", (shape[1] * FINE, shape[0] * FINE))
    draw = ImageDraw.Draw(image)
    count = int(34 + 22 * (1 - person.masculine))
    t = np.sort(rng.uniform(-0.8, 1.0, count)).astype(np.float32)
    upper, lower = lids(marks, t)
    long = 0.022 + 0.032 * (1 - person.masculine)
    for place, top, low in zip(t, upper, lower, strict=True):
        x, reach = place * marks["eye_w"], long * rng.uniform(0.6, 1.1)
        for y, lift, share in ((top, -1.0, 235), (low, 0.6, 90)):
            bend = [
                (x, y),
                (x + 0.35 * reach * place + 0.1 * reach, y + 0.45 * lift * reach),
                (x + reach * (0.8 * place + 0.15), y + lift * reach * 0.8),
            ]
            scaled = [((side * px - origin[0]) / STEP * FINE, (py - origin[1]) / STEP * FINE) for px, py in bend]
            draw.line(scaled, fill=share, width=2 if lift < 0 else 1)
    cover = np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BOX), np.float32) / 255
    window.albedo[:] = mix(window.albedo, [0.012, 0.009, 0.008], 0.85 * cover)
    window.glow *= 1 - 0.6 * cover
