"""Who is drawn and how the photograph is taken: the parameters that persist and those that vary."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unmask.data.sample.fields import Numbers, Rng, stream

IDENTITY_STREAM, SHOT_STREAM = 1, 2
SKINS: dict[str, tuple[float, float, float]] = {  # linear reflectance
    "fair": (0.66, 0.44, 0.34),
    "light": (0.56, 0.35, 0.25),
    "tan": (0.43, 0.25, 0.165),
    "brown": (0.27, 0.145, 0.088),
    "dark": (0.135, 0.068, 0.042),
}
HAIR_COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.014, 0.011, 0.010),
    "dark_brown": (0.045, 0.026, 0.016),
    "brown": (0.11, 0.060, 0.032),
    "blond": (0.36, 0.23, 0.105),
    "red": (0.22, 0.075, 0.025),
    "grey": (0.33, 0.32, 0.31),
}
IRISES = ((0.10, 0.045, 0.018), (0.05, 0.024, 0.012), (0.12, 0.17, 0.22), (0.10, 0.14, 0.07), (0.17, 0.11, 0.04))
BACKGROUNDS = ("wall", "foliage", "shelf", "sky", "office")
LIGHTS = ("soft", "side", "window", "warm", "overhead")
SIZES = (128, 144, 160, 176, 192, 208, 224, 256)  # px
SIZE_SHARES = (0.2, 0.18, 0.18, 0.14, 0.12, 0.08, 0.06, 0.04)
CAMERAS = ("alder", "birch", "cedar", "dogwood")
NEW_CAMERA = "dogwood"


@dataclass(frozen=True)
class Identity:
    """What stays with a person; lengths in head units (eye line to chin is about 1.2)."""

    number: int
    masculine: float
    age: float  # 0 young to 1 old
    skin: str
    skin_tone: tuple[float, float, float]
    hair: Literal["bald", "short", "medium", "long"]
    curl: float
    hair_colour: str
    hair_tone: tuple[float, float, float]
    hairline: float
    parting: float
    volume: float
    beard: float  # 0 none, 0.5 stubble, 1 full
    glasses: bool
    iris: tuple[float, float, float]
    freckles: float
    shape: dict[str, float]  # unit normal deviates of the face's proportions, by name


@dataclass(frozen=True)
class Shot:
    """What one photograph adds: pose, expression, light, place and camera."""

    size: int
    yaw: float
    pitch: float
    roll: float
    smile: float
    open_mouth: float
    gaze: tuple[float, float]
    blink: float
    light: str
    light_from: tuple[float, float, float]
    light_colour: tuple[float, float, float]
    key: float
    ambient: float
    background: str
    camera: str
    head_share: float
    centre: tuple[float, float]
    seed: tuple[int, ...]


SHAPE_NAMES = (
    "width", "jaw", "chin", "length", "cheek", "eye_gap", "eye_size", "eye_tilt", "eye_open", "brow_height",
    "brow_thick", "brow_tilt", "nose_width", "nose_length", "nose_height", "mouth_width", "lip_upper", "lip_lower",
    "mouth_height", "ear", "lid", "forehead",
)  # fmt: skip


def draw_identity(seed: int, number: int) -> Identity:
    """Draw the person NUMBER of the world SEED."""
    rng = stream(seed, IDENTITY_STREAM, number)
    masculine = float(np.clip(rng.choice([0.12, 0.88]) + rng.normal(0, 0.1), 0, 1))
    age = float(rng.beta(1.3, 1.6))
    skin = str(rng.choice(list(SKINS), p=[0.2, 0.27, 0.2, 0.18, 0.15]))
    tone = np.array(SKINS[skin]) * rng.normal(1, 0.07) * (1 + rng.normal(0, 0.035, 3))
    colour = _hair_colour(rng, skin, age)
    hair_tone = np.array(HAIR_COLOURS[colour]) * rng.uniform(0.75, 1.3)
    hair = rng.choice(
        ["bald", "short", "medium", "long"], p=[0.16, 0.62, 0.17, 0.05] if masculine > 0.5 else [0.02, 0.18, 0.35, 0.45]
    )
    curly = {"fair": 0.2, "light": 0.3, "tan": 0.35, "brown": 0.6, "dark": 0.8}[skin]
    grows = masculine > 0.5 and rng.random() < 0.55
    shape = {name: float(np.clip(rng.standard_normal(), -2.2, 2.2)) for name in SHAPE_NAMES}
    return Identity(
        number=number, masculine=masculine, age=age, skin=skin, skin_tone=_triple(tone), hair=hair,
        curl=float(rng.uniform(0.4, 1) if rng.random() < curly else rng.uniform(0, 0.2)),
        hair_colour=colour, hair_tone=_triple(hair_tone),
        hairline=float(rng.normal(0, 0.05) + 0.1 * age * masculine), parting=float(rng.uniform(-0.45, 0.45)),
        volume=float(rng.uniform(0, 1)), beard=float(rng.choice([0.35, 0.6, 1.0])) if grows else 0.0,
        glasses=bool(rng.random() < 0.16 + 0.12 * age), iris=IRISES[_iris(rng, skin)],
        freckles=float(rng.uniform(0.3, 1)) if skin in {"fair", "light"} and rng.random() < 0.3 else 0.0, shape=shape,
    )  # fmt: skip


def draw_shot(keys: tuple[int, ...], *, newest: bool) -> Shot:
    """Draw one photograph's conditions from the stream KEYS.

    The newest batch is shifted mildly: more evening light and office, one new camera.
    """
    rng = stream(keys[0], SHOT_STREAM, *keys[1:])
    light = str(rng.choice(LIGHTS, p=[0.16, 0.22, 0.16, 0.34, 0.12] if newest else [0.3, 0.2, 0.24, 0.12, 0.14]))
    place = str(rng.choice(BACKGROUNDS, p=[0.16, 0.12, 0.18, 0.12, 0.42] if newest else [0.24, 0.22, 0.18, 0.2, 0.16]))
    camera = str(rng.choice(CAMERAS, p=[0.15, 0.15, 0.15, 0.55] if newest else [0.4, 0.34, 0.26, 0.0]))
    direction, colour, key, ambient = _light(rng, light)
    open_mouth = float(rng.uniform(0.35, 1)) if rng.random() < 0.25 else 0.0
    return Shot(
        size=int(rng.choice(SIZES, p=SIZE_SHARES)),
        yaw=float(np.clip(rng.normal(0, 0.2), -0.5, 0.5)), pitch=float(np.clip(rng.normal(0, 0.09), -0.2, 0.2)),
        roll=float(np.clip(rng.normal(0, 0.06), -0.16, 0.16)), smile=float(np.clip(rng.normal(0.4, 0.38), -0.25, 1)),
        open_mouth=open_mouth, gaze=(float(rng.normal(0, 0.12)), float(rng.normal(0, 0.06))),
        blink=float(rng.uniform(0, 0.25)), light=light, light_from=direction, light_colour=colour, key=key,
        ambient=ambient, background=place, camera=camera, head_share=float(rng.uniform(0.66, 0.92)),
        centre=(float(rng.normal(0, 0.025)), float(rng.normal(0.0, 0.02))), seed=keys,
    )  # fmt: skip


def describe(person: Identity, shot: Shot) -> dict[str, str]:
    """Attributes that are true by construction."""
    beard = "none" if person.beard == 0 else ("stubble" if person.beard < 0.8 else "full")
    turned = "left" if shot.yaw < -0.17 else "right" if shot.yaw > 0.17 else "frontal"
    wide = "open" if shot.open_mouth > 0 else "smile" if shot.smile > 0.4 else "neutral"
    return {
        "age": "young" if person.age < 0.33 else "middle" if person.age < 0.66 else "older",
        "gender": "masculine" if person.masculine > 0.5 else "feminine",
        "skin": person.skin,
        "hair": person.hair,
        "hair_colour": person.hair_colour,
        "facial_hair": beard,
        "glasses": "yes" if person.glasses else "no",
        "expression": wide,
        "pose": turned,
        "light": shot.light,
        "background": shot.background,
        "camera": shot.camera,
    }


def _light(rng: Rng, light: str) -> tuple[tuple[float, float, float], tuple[float, float, float], float, float]:
    side = float(rng.choice([-1.0, 1.0]))
    x, y, z, key, ambient, warm = {
        "soft": (0.35, -0.45, 1.0, 0.62, 0.55, 0.02),
        "side": (0.95, -0.30, 0.55, 0.95, 0.28, 0.0),
        "window": (0.75, -0.20, 0.85, 0.85, 0.38, -0.10),
        "warm": (0.50, -0.45, 0.85, 0.85, 0.34, 0.22),
        "overhead": (0.12, -1.00, 0.60, 0.90, 0.34, 0.03),
    }[light]
    vector = np.array([side * x, y, z]) + rng.normal(0, 0.12, 3)
    tint = warm + rng.normal(0, 0.03)
    colour = np.array([1 + tint, 1.0, 1 - 1.2 * tint])
    return _triple(vector / np.linalg.norm(vector)), _triple(colour), key * rng.uniform(0.85, 1.15), ambient


def _hair_colour(rng: Rng, skin: str, age: float) -> str:
    if rng.random() < max(0.0, 1.5 * (age - 0.45)):
        return "grey"
    if skin in {"brown", "dark", "tan"}:
        return str(rng.choice(["black", "dark_brown", "brown"], p=[0.6, 0.32, 0.08]))
    return str(rng.choice(["black", "dark_brown", "brown", "blond", "red"], p=[0.15, 0.3, 0.25, 0.22, 0.08]))


def _iris(rng: Rng, skin: str) -> int:
    if skin in {"brown", "dark", "tan"}:
        return int(rng.choice([0, 1, 4], p=[0.4, 0.5, 0.1]))
    return int(rng.choice(5, p=[0.2, 0.15, 0.33, 0.17, 0.15]))


def _triple(values: Numbers) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
