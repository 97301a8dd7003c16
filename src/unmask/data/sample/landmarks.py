"""The 68 iBUG landmarks, known by construction."""

import numpy as np
from numpy.typing import NDArray

from unmask.data.sample.eyes import lids
from unmask.data.sample.fields import Field, Numbers
from unmask.data.sample.shape import Solid, canonical


def landmarks_68(solid: Solid, marks: dict[str, float], turn: Field) -> NDArray[np.float32]:
    """View places (68, 2) of the iBUG points, in head units; eyes 36-47, mouth 48-67."""
    places = np.concatenate([_brows(marks), _nose(marks), _eyes(marks), _mouth(marks)]).astype(np.float32)
    x, y = places[:, 0], places[:, 1]
    width, front = solid.at(solid.width, y), solid.at(solid.depth, y)
    z = front * np.sqrt(np.clip(1 - (x / width) ** 2, 0, 1))
    if solid.relief is not None:
        z = z + canonical(solid.relief, x, y)
    points = np.concatenate([_jaw(solid), np.stack([x, y, z], 1)])
    return np.asarray((points @ turn.T)[:, :2], np.float32)


def _jaw(solid: Solid) -> NDArray[np.float32]:
    side = np.sin(np.linspace(-0.5 * np.pi, 0.5 * np.pi, 17))
    bottom = float(solid.y[-1]) - 0.02
    y = np.interp(
        np.abs(side),
        [0, 0.38, 0.55, 0.71, 0.83, 0.92, 0.98, 1.0],
        [bottom, bottom - 0.04, bottom - 0.12, 0.90, 0.68, 0.44, 0.2, -0.02],
    )
    width, front = solid.at(solid.width, y.astype(np.float32)), solid.at(solid.depth, y.astype(np.float32))
    x = np.sign(side) * np.minimum(width * 0.97, np.abs(side) * 0.80)
    z = front * np.sqrt(np.clip(1 - (x / width) ** 2, 0, 1))
    return np.asarray(np.stack([x, y, z], 1), np.float32)


def _brows(marks: dict[str, float]) -> Numbers:
    place = np.linspace(0, 1, 5)
    x = 0.13 + 0.40 * place + 0.3 * (marks["eye_x"] - 0.345)
    y = marks["brow_y"] - 0.07 * np.sin(np.pi * np.minimum(1, place * 1.05) * 0.72) - 0.02
    right = np.stack([x, y], 1)
    return np.concatenate([right[::-1] * [-1, 1], right])


def _nose(marks: dict[str, float]) -> Numbers:
    ridge = np.stack([np.zeros(4), np.linspace(-0.02, marks["nose_y"], 4)], 1)
    x = np.linspace(-1, 1, 5) * marks["nose_w"]
    return np.concatenate([ridge, np.stack([x, marks["nose_y"] + 0.12 - 0.04 * (x / marks["nose_w"]) ** 2], 1)])


def _eyes(marks: dict[str, float]) -> Numbers:
    eyes = []
    for side in (-1, 1):
        order = [1.0, 0.36, -0.36, -1.0, -0.36, 0.36] if side < 0 else [-1.0, -0.36, 0.36, 1.0, 0.36, -0.36]
        t = np.array(order, np.float32)
        upper, lower = lids(marks, t)
        y = np.where(np.arange(6) < 4, upper, lower)
        eyes.append(np.stack([side * marks["eye_x"] + side * t * marks["eye_w"], y], 1))
    return np.concatenate(eyes)


def _mouth(marks: dict[str, float]) -> Numbers:
    def curve(t: Numbers, offset: Numbers) -> Numbers:
        middle = marks["mouth_y"] - marks["mouth_curve"] * t * t * 1.4
        return np.stack([t * marks["mouth_w"], middle + offset], 1)

    half = 0.5 * marks["gap"]
    top, low, inner = np.linspace(-1, 1, 7), np.linspace(0.67, -0.67, 5), np.linspace(-0.85, 0.85, 5)
    arch_top, arch_low = np.sqrt(1 - top**2), np.sqrt(1 - low**2)
    back = np.linspace(0.45, -0.45, 3)
    return np.concatenate(
        [
            curve(top, -(half + marks["lip_up"]) * arch_top),
            curve(low, (half + marks["lip_low"]) * arch_low),
            curve(inner, -half * np.sqrt(1 - inner**2)),
            curve(back, half * np.sqrt(1 - back**2)),
        ]
    )
