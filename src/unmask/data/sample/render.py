"""Draw a portrait: background, body, head, hair and glasses, in linear light."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.data.sample import hair
from unmask.data.sample.body import draw_body, draw_ears
from unmask.data.sample.eyes import paint_eyes
from unmask.data.sample.fields import Field, Rng, blur, mix, smooth, stream
from unmask.data.sample.landmarks import landmarks_68
from unmask.data.sample.lighting import cast, shade
from unmask.data.sample.portrait import Identity, Shot
from unmask.data.sample.scenery import draw_background
from unmask.data.sample.shape import (
    Hit,
    Solid,
    View,
    canonical,
    hair_solid,
    head_solid,
    intersect,
    normals,
    relief_table,
    rotation,
)
from unmask.data.sample.skin import Paint, marks_of, paint_skin
from unmask.data.sample.spectacles import draw_glasses

DRAW_STREAM, SKIN_STREAM = 3, 4
HEAD_HEIGHT = 2.45  # chin to vertex, head units


@dataclass(frozen=True)
class Scene:
    """Linear radiance (H, W, 3), sampled more finely than the photograph, and landmarks (68, 2) in its pixels."""

    radiance: Field
    landmarks: NDArray[np.float32]


def draw_scene(person: Identity, shot: Shot, seed: int) -> Scene:
    """Draw PERSON as SHOT says, at the photograph's size times a supersampling of 1.5 to 2."""
    size = 2 * round(shot.size * (1.0 if shot.size <= 144 else 0.75))
    scale = shot.head_share * size / HEAD_HEIGHT
    turn = rotation(shot)
    middle = turn @ np.array([0, 0.05, 0], np.float32)
    ticks = (np.arange(size, dtype=np.float32) + 0.5 - size / 2) / scale
    x, y = np.meshgrid(
        ticks - shot.centre[0] * size / scale + middle[0], ticks - shot.centre[1] * size / scale + middle[1]
    )
    marks = marks_of(person, shot)
    bare = head_solid(person, relief_table(person, shot, marks))
    radiance = _compose(person, shot, bare, marks, view=View(turn, x, y, float(scale)), seed=seed)
    origin = np.array([x[0, 0], y[0, 0]])
    points = (landmarks_68(bare, marks, turn) - origin) * scale + 0.5
    return Scene(radiance, np.asarray(points * shot.size / size, np.float32))


def _compose(person: Identity, shot: Shot, bare: Solid, marks: dict[str, float], *, view: View, seed: int) -> Field:
    turn, x, y = view.turn, view.x, view.y
    rng = stream(seed, DRAW_STREAM, *shot.seed[1:])
    picture = draw_background(shot.background, x.shape[0], rng) * np.float32(0.45 * shot.key + 0.55 * shot.ambient)
    picture = picture * (0.6 + 0.4 * np.array(shot.light_colour, np.float32))
    top = _Window.around(x, y, wide=1.02, high=(-1.42, 1.36))
    head = intersect(bare, x[top.area], y[top.area], turn)
    depth = np.full_like(x, -1.2)
    depth[top.area] = np.where(head.cover > 0.5, head.depth, -1.2)
    mane = None if person.hair == "bald" else _Mane.grow(person, shot, bare, turn, x=x, y=y, rng=rng)
    if mane is not None:
        area = mane.window.area
        picture[area] = _over(picture[area], mane.behind, mane.behind_cover)
        depth[area] = np.maximum(depth[area], np.where(mane.cover > 0.5, mane.depth, -1.2))
    picture = draw_ears(draw_body(picture, person, shot, turn, x=x, y=y, rng=rng), person, shot, turn, x=x, y=y)
    lit = cast(depth, shot, view.scale)
    face = _face(person, shot, bare, head, marks=marks, turn=turn, lit=lit[top.area], seed=seed)
    picture[top.area] = _over(picture[top.area], face, head.cover)
    if mane is not None:
        area = mane.window.area
        under = picture[area] * (1 - 0.30 * blur(mane.cover, 0.03 * view.scale))[..., None]
        picture[area] = _over(under, mane.colour * (0.45 + 0.55 * lit[area])[..., None], mane.cover)
    if person.glasses:
        picture = draw_glasses(picture, shot, turn, marks, x=x, y=y, rng=stream(seed, SKIN_STREAM, person.number, 1))
    return np.clip(picture, 0, 4)


@dataclass(frozen=True)
class _Window:
    area: tuple[slice, slice]

    @classmethod
    def around(cls, x: Field, y: Field, *, wide: float, high: tuple[float, float]) -> "_Window":
        rows, columns = np.searchsorted(y[:, 0], high), np.searchsorted(x[0], (-wide, wide))
        return cls((slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))))


@dataclass(frozen=True)
class _Mane:
    """Hair in a window of the picture: before the face, behind the neck, and how near it is."""

    window: _Window
    colour: Field
    cover: Field
    behind: Field
    behind_cover: Field
    depth: Field

    @classmethod
    def grow(cls, person: Identity, shot: Shot, bare: Solid, turn: Field, *, x: Field, y: Field, rng: Rng) -> "_Mane":
        long = person.hair == "long"
        window = _Window.around(x, y, wide=1.45, high=(-1.75, 2.6 if long else 1.3))
        solid = hair_solid(person, bare, long=long)
        hit = intersect(solid, x[window.area], y[window.area], turn)
        normal = normals(solid, hit, turn)
        colour, whole, grown = hair.layer(person, shot, hit, normal=normal, turn=turn, rng=rng)
        loose = hair.flyaways(whole * grown, hit.outside, rng)
        return cls(window, colour, np.maximum(whole * grown, loose), 0.5 * colour, whole * np.float32(long), hit.depth)


def _face(
    person: Identity, shot: Shot, bare: Solid, head: Hit, *, marks: dict[str, float], turn: Field, lit: Field, seed: int
) -> Field:
    rng = stream(seed, SKIN_STREAM, person.number)
    paint: Paint = paint_skin(person, shot, marks, rng)
    paint_eyes(paint, person, shot, marks, rng)
    albedo = np.stack([canonical(np.ascontiguousarray(paint.albedo[..., c]), head.x, head.y) for c in range(3)], -1)
    gloss, glow, eye = (canonical(table, head.x, head.y) for table in (paint.gloss, paint.glow, paint.eye))
    hollow = np.zeros_like(gloss)
    if bare.relief is not None:
        hollow = canonical(np.clip(blur(bare.relief, 9) - bare.relief, 0, None), head.x, head.y)
    normal = normals(bare, head, turn)
    toward = np.array([0, 0, 1], np.float32)
    normal = normal + (toward - normal) * (0.35 * eye)[..., None]
    ambient = (1 - np.clip(9 * hollow, 0, 0.7)) * (0.62 + 0.38 * smooth(1.25, 0.7, head.y))
    skin = shade(shot, albedo=albedo, normal=normal, gloss=gloss, lit=lit, ambient=ambient.astype(np.float32))
    skin = mix(skin, blur(skin, 2.0), 0.12 * np.ones_like(gloss))
    return np.asarray(skin + (glow * (0.35 + 0.65 * shot.key))[..., None], np.float32)


def _over(picture: Field, layer: Field, cover: Field) -> Field:
    return np.asarray(picture + (layer - picture) * cover[..., None], np.float32)
