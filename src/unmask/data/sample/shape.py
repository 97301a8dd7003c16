"""The head as a solid: elliptic cross-sections along the height, with a relief on the front.

Head frame: x to the picture's right, y down, z towards the camera; the eye line is y = 0, the chin about y = 1.2.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from unmask.data.sample.fields import Field, Numbers, blur, bump, enlarge, look_up, smooth
from unmask.data.sample.portrait import Identity, Shot

STEP = 0.008  # spacing of the canonical tables, head units
X_LIMIT, Y_TOP, Y_BOTTOM = 0.98, -1.32, 1.32
GRID_X = np.arange(-X_LIMIT, X_LIMIT + STEP / 2, STEP).astype(np.float32)
GRID_Y = np.arange(Y_TOP, Y_BOTTOM + STEP / 2, STEP).astype(np.float32)
_HEIGHTS = (-1.25, -1.235, -1.19, -1.1, -0.98, -0.7, -0.3, 0.0, 0.3, 0.6, 0.82, 0.98, 1.09, 1.15, 1.19, 1.22, 1.235)
_WIDTHS = (0.0, 0.17, 0.34, 0.5, 0.63, 0.765, 0.80, 0.785, 0.755, 0.685, 0.585, 0.46, 0.34, 0.24, 0.165, 0.09, 0.0)
_DEPTHS = (0.0, 0.2, 0.4, 0.59, 0.72, 0.875, 0.925, 0.91, 0.92, 0.925, 0.90, 0.86, 0.78, 0.67, 0.53, 0.32, 0.0)


@dataclass(frozen=True)
class Solid:
    """Half widths and front depths by height, and a relief table (rows y, columns x) added to z."""

    y: Field
    width: Field
    depth: Field
    relief: Field | None

    def at(self, table: Field, y: Field) -> Field:
        """Read a profile at heights Y."""
        return np.asarray(np.interp(y, self.y, table), np.float32)


@dataclass(frozen=True)
class Hit:
    """Where the view rays meet a solid: head-frame points, distance outside in pixels and view depth, all (H, W)."""

    x: Field
    y: Field
    z: Field
    outside: Field
    depth: Field

    @property
    def cover(self) -> Field:
        """Share of each pixel that the solid covers."""
        return np.asarray(np.clip(0.5 - self.outside, 0, 1), np.float32)


def canonical(table: Field, x: Field, y: Field) -> Field:
    """Read a canonical table at head-frame places."""
    return look_up(table, (y - Y_TOP) / STEP, (x + X_LIMIT) / STEP)


@dataclass(frozen=True)
class View:
    """Head-to-view rotation, view places (H, W) of the pixels, and pixels per head unit."""

    turn: Field
    x: Field
    y: Field
    scale: float


def rotation(shot: Shot) -> Field:
    """Head-to-view rotation (3, 3)."""
    cy, sy = np.cos(shot.yaw), np.sin(shot.yaw)
    cp, sp = np.cos(shot.pitch), np.sin(shot.pitch)
    cr, sr = np.cos(shot.roll), np.sin(shot.roll)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float32)


def head_solid(person: Identity, relief: Field) -> Solid:
    """Profile of the bare head."""
    s = person.shape
    y = np.array(_HEIGHTS)
    stretch = 1 + 0.035 * s["length"]
    y = np.where(y > 0, y * stretch, y * (1 + 0.02 * s["forehead"]))
    jaw = (0.05 * s["jaw"] + 0.07 * (person.masculine - 0.5)) * np.exp(-(((np.array(_HEIGHTS) - 0.88) / 0.3) ** 2))
    chin = 0.05 * s["chin"] * np.exp(-(((np.array(_HEIGHTS) - 1.12) / 0.12) ** 2))
    cheek = 0.02 * s["cheek"] * np.exp(-(((np.array(_HEIGHTS) - 0.3) / 0.25) ** 2))
    width = np.array(_WIDTHS) * (1 + 0.04 * s["width"] + jaw + chin + cheek)
    return _solid(y, width, np.array(_DEPTHS), relief)


def hair_solid(person: Identity, bare: Solid, *, long: bool) -> Solid:
    """The head's profile inflated by the hair; long hair hangs down at its full width."""
    thick = {"bald": 0.0, "short": 0.045, "medium": 0.09, "long": 0.1}[person.hair] + 0.07 * person.volume
    thick *= 1 + 0.7 * person.curl
    y = np.concatenate([[Y_TOP - thick - 0.25], np.linspace(-1.1, 2.6, 60)])
    width = bare.at(bare.width, np.maximum(y, -1.0).astype(np.float32))
    depth = bare.at(bare.depth, np.maximum(y, -1.0).astype(np.float32))
    top = -1.25 - thick
    arc = np.sqrt(np.clip(1 - ((np.minimum(y, -0.3) + 0.3) / (top + 0.3)) ** 2, 0, 1))
    full_width, full_depth = 0.79 * (1 + 0.04 * person.shape["width"]) + thick, 0.925 + 0.55 * thick
    upper = y < -0.3
    if long:
        hang = 1 + 0.10 * np.clip(y, 0, 1.3) * (0.3 + person.volume)
        width, depth = (
            np.where(upper, full_width * arc, full_width * hang),
            np.where(upper, full_depth * arc, full_depth),
        )
    else:
        inflate = thick * np.clip(1 - (y + 0.1) / 0.9, 0, 1)
        width, depth = (
            np.where(upper, full_width * arc, width + inflate),
            np.where(upper, full_depth * arc, depth + inflate),
        )
    fine = np.sort(np.concatenate([y, np.linspace(top, -0.9, 60)]))
    extra = np.sqrt(np.clip(1 - ((fine + 0.3) / (top + 0.3)) ** 2, 0, 1))
    width = np.where(fine < -0.3, full_width * extra, np.interp(fine, y, width))
    depth = np.where(fine < -0.3, full_depth * extra, np.interp(fine, y, depth))
    return Solid(fine.astype(np.float32), width.astype(np.float32), depth.astype(np.float32), None)


def _solid(y: Numbers, width: Numbers, depth: Numbers, relief: Field | None) -> Solid:
    fine = np.linspace(y[0], y[-1], 600)
    return Solid(
        fine.astype(np.float32),
        np.clip(PchipInterpolator(y, width)(fine), 1e-3, None).astype(np.float32),
        np.clip(PchipInterpolator(y, depth)(fine), 1e-3, None).astype(np.float32),
        relief,
    )


def intersect(solid: Solid, x: Field, y: Field, turn: Field) -> Hit:
    """Meet rays along the view's z through view places (X, Y), each (H, W).

    With height and relief held, a ray meets a cross-section in the root of a quadratic; a damped fixed point
    updates both, first on a grid of half the size.
    """
    shape = (x.shape[0], x.shape[1])
    depth = _settle(solid, x[::2, ::2], y[::2, ::2], turn, np.full(x[::2, ::2].shape, 0.9, np.float32), rounds=9)[0]
    depth, least = _settle(solid, x, y, turn, _double(depth, shape), rounds=3)
    least = blur(np.clip(least, -0.6, 0.6), 0.9)
    rise_y, rise_x = np.gradient(least)
    outside = least / (np.hypot(rise_x, rise_y) + 1e-3)
    hx, hy, hz = _to_head(turn, x, y, depth)
    return Hit(hx, hy, hz, np.asarray(outside, np.float32), depth)


def _double(field: Field, shape: tuple[int, int]) -> Field:
    doubled = enlarge(field, (2 * field.shape[0], 2 * field.shape[1]))
    return doubled[: shape[0], : shape[1]]


def _to_head(turn: Field, x: Field, y: Field, z: Field) -> tuple[Field, Field, Field]:
    return (
        turn[0, 0] * x + turn[1, 0] * y + turn[2, 0] * z,
        turn[0, 1] * x + turn[1, 1] * y + turn[2, 1] * z,
        turn[0, 2] * x + turn[1, 2] * y + turn[2, 2] * z,
    )


def _settle(solid: Solid, x: Field, y: Field, turn: Field, start: Field, *, rounds: int) -> tuple[Field, Field]:
    depth = start
    ox, _, oz = _to_head(turn, x, y, np.zeros_like(x))
    dx, dz = turn[2, 0], turn[2, 2]
    least = depth
    for _ in range(rounds):
        hx, hy, hz = _to_head(turn, x, y, depth)
        width, front = solid.at(solid.width, hy) + 1e-4, solid.at(solid.depth, hy) + 1e-4
        lift = np.float32(0) if solid.relief is None else canonical(solid.relief, hx, hy) * smooth(0.0, 0.3, hz)
        a = (dx / width) ** 2 + (dz / front) ** 2
        b = ox * dx / width**2 + (oz - lift) * dz / front**2
        beyond = np.maximum(hy - solid.y[-1], solid.y[0] - hy).clip(0)
        c = (ox / width) ** 2 + ((oz - lift) / front) ** 2 - 1 + (20 * beyond) ** 2
        least = np.clip(c - b * b / a, -1.0, 4.0)
        root = (-b + np.sqrt(np.maximum(b * b - a * c, 0))) / a
        depth = depth + np.float32(0.75) * (np.clip(root, -1.5, 1.7) - depth)
    return depth.astype(np.float32), np.asarray(least, np.float32)


def normals(solid: Solid, hit: Hit, turn: Field) -> Field:
    """Outward unit normals in the view frame, (H, W, 3), as the gradient of the solid's implicit function."""
    width, front = solid.at(solid.width, hit.y) + 1e-3, solid.at(solid.depth, hit.y) + 1e-3
    slope_w = solid.at(np.gradient(solid.width, solid.y).astype(np.float32), hit.y)
    slope_d = solid.at(np.gradient(solid.depth, solid.y).astype(np.float32), hit.y)
    lift = lift_x = lift_y = np.zeros_like(hit.x)
    if solid.relief is not None:
        front_only = smooth(0.0, 0.3, hit.z)
        rise_y, rise_x = np.gradient(solid.relief, STEP)
        lift = canonical(solid.relief, hit.x, hit.y) * front_only
        lift_x, lift_y = canonical(rise_x, hit.x, hit.y) * front_only, canonical(rise_y, hit.x, hit.y) * front_only
    forward = (hit.z - lift) / front**2
    nx = hit.x / width**2 - forward * lift_x
    ny = -(hit.x**2) * slope_w / width**3 - forward * (hit.z - lift) * slope_d / front - forward * lift_y
    normal = np.stack([nx, ny, forward], -1) @ turn.T
    return np.asarray(normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6), np.float32)


def relief_table(person: Identity, shot: Shot, marks: dict[str, float]) -> Field:
    """Nose, sockets, lips, cheeks and folds as heights over the canonical grid (rows y, columns x)."""
    x, y = GRID_X, GRID_Y
    male, age = person.masculine, person.age

    table = _nose(person, marks)

    def add(cx: float, cy: float, wx: float, wy: float, height: float) -> None:
        sides = bump(x, cx, wx) if cx == 0 else bump(x, cx, wx) + bump(x, -cx, wx)
        table[:] += np.float32(height) * bump(y, cy, wy)[:, None] * sides[None, :]

    eye_x, mouth_y = marks["eye_x"], marks["mouth_y"]
    add(eye_x - 0.02, 0.0, 0.22, 0.15, -0.085 - 0.02 * age)
    add(eye_x, 0.01, 0.125, 0.085, 0.075)
    add(eye_x, marks["brow_y"] + 0.02, 0.24, 0.09, 0.03 + 0.035 * male)
    add(0.5, 0.26 - 0.05 * shot.smile, 0.17, 0.15, 0.055 + 0.02 * person.shape["cheek"] + 0.03 * max(shot.smile, 0.0))
    add(0.52, 0.62, 0.16, 0.2, -0.05 - 0.03 * age)
    add(0, mouth_y, 0.26, 0.2, 0.075)
    add(0, mouth_y - 0.055, marks["mouth_w"] * 0.7, 0.035, 0.035)
    add(0, mouth_y + 0.07, marks["mouth_w"] * 0.62, 0.045, 0.05)
    add(0, mouth_y + 0.005, marks["mouth_w"] * 0.95, 0.018, -0.045)
    add(marks["mouth_w"], mouth_y - 0.04 * shot.smile, 0.045, 0.05, -0.02)
    add(0, mouth_y - 0.13, 0.03, 0.06, -0.02)
    add(0, mouth_y + 0.165, 0.17, 0.045, -0.05)
    add(0, 1.07, 0.17, 0.1, 0.07 + 0.03 * male)
    fold = np.abs(np.abs(x)[None, :] - (0.17 + 0.42 * (y[:, None] - 0.46) + 0.03 * shot.smile))
    strength = 0.004 + 0.018 * age + 0.012 * max(shot.smile, 0.0)
    table -= strength * np.exp(-((fold / 0.03) ** 2)) * (smooth(0.42, 0.54, y) * smooth(0.92, 0.72, y))[:, None]
    return np.asarray(table, np.float32)


def _nose(person: Identity, marks: dict[str, float]) -> Field:
    x, y = GRID_X[None, :], GRID_Y[:, None]
    tip, wing = marks["nose_y"], marks["nose_w"]
    along = np.clip((y + 0.1) / (tip + 0.1), 0, 1)
    height = (0.05 + 0.235 * along**1.25) * (1 + 0.13 * person.shape["nose_height"])
    height = height * smooth(-0.22, 0.04, y) * smooth(tip + 0.165, tip - 0.01, y)
    width = 0.075 + 0.03 * along + 0.02 * person.shape["nose_width"] * along
    ridge = height * np.exp(-(np.abs(x / width) ** 2.2))
    ball = 0.075 * bump(y, tip + 0.005, 0.085) * bump(x, 0, 0.085)
    wings = 0.10 * bump(y, tip + 0.05, 0.06) * (bump(x, wing, 0.055) + bump(x, -wing, 0.055))
    holes = -0.03 * bump(y, tip + 0.105, 0.02) * (bump(x, 0.55 * wing, 0.035) + bump(x, -0.55 * wing, 0.035))
    return np.asarray(ridge + ball + wings + holes, np.float32)
