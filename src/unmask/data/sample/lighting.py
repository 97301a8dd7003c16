"""One key light, sky and ground: shading of skin, cloth and hair, and cast shadows."""

import numpy as np

from unmask.data.sample.fields import Field, blur, smooth
from unmask.data.sample.portrait import Shot

SKIN_WRAP = np.array([0.34, 0.16, 0.10], np.float32)  # red light wanders farthest under the skin


def shade(shot: Shot, *, albedo: Field, normal: Field, gloss: Field, lit: Field, ambient: Field) -> Field:
    """Radiance of a rough surface with some gloss.

    Args:
        shot: the photograph's light.
        albedo: reflectance (H, W, 3).
        normal: unit normals (H, W, 3), view frame.
        gloss: strength of the highlight (H, W).
        lit: share of the key light that arrives (H, W).
        ambient: ambient light by place (H, W).
    """
    light = np.array(shot.light_from, np.float32)
    colour = np.array(shot.light_colour, np.float32) * np.float32(shot.key * 1.15)
    facing = normal @ light
    wrapped = np.clip((facing[..., None] + SKIN_WRAP) / (1 + SKIN_WRAP), 0, 1)
    arriving = lit[..., None] + (lit * (1 - lit))[..., None] * np.array([0.25, 0.0, -0.08], np.float32)
    sky = (0.72 - 0.28 * normal[..., 1]) * (0.75 + 0.25 * normal[..., 2]) * ambient * np.float32(shot.ambient)
    tint = np.array([0.97, 1.0, 1.05], np.float32)
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    glint = np.clip(normal @ half, 0, 1)
    wide = _power16(glint)
    edge = np.square(np.square(1 - np.clip(normal[..., 2], 0, 1)))
    shine = gloss * (0.045 * wide + 0.05 * wide * wide * wide) * lit * np.clip(facing * 3, 0, 1) + 0.02 * edge * ambient
    return np.asarray(
        albedo * (colour * wrapped * arriving + tint * sky[..., None]) + shine[..., None] * colour, np.float32
    )


def _power16(value: Field) -> Field:
    return np.asarray(np.square(np.square(np.square(np.square(value)))), np.float32)


def cast(depth: Field, shot: Shot, scale: float) -> Field:
    """Share of the key light that reaches each place of a depth map (head units; SCALE pixels per unit)."""
    lx, ly, lz = shot.light_from
    flat = float(np.hypot(lx, ly)) + 1e-6
    blocked = np.zeros_like(depth)
    for reach in (0.03, 0.06, 0.1, 0.15, 0.21, 0.28, 0.37):
        rows, columns = round(reach * scale * ly / flat), round(reach * scale * lx / flat)
        ahead = _shift(depth, rows, columns)
        over = ahead - depth - reach * lz / flat
        blocked = np.maximum(blocked, smooth(0.0, 0.035 + 0.10 * reach, over) * smooth(0.9, 0.5, over))
    return np.asarray(1 - 0.88 * blur(blocked, 0.012 * scale), np.float32)


def _shift(field: Field, rows: int, columns: int) -> Field:
    """Give the value found ROWS below and COLUMNS to the right, edges extended."""
    row = np.clip(np.arange(field.shape[0]) + rows, 0, field.shape[0] - 1)
    column = np.clip(np.arange(field.shape[1]) + columns, 0, field.shape[1] - 1)
    return np.asarray(field[row[:, None], column[None, :]], np.float32)
