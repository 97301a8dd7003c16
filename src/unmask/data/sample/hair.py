"""Hair as strands on an inflated skull: where it grows, how it catches the light."""

import numpy as np
from PIL import Image, ImageDraw

from unmask.data.sample.fields import Field, Rng, blur, fractal, look_up, noise, smooth
from unmask.data.sample.portrait import Identity, Shot
from unmask.data.sample.shape import Hit

HAIRLINES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {  # azimuth from the front (rad), lowest height
    "short": (
        (0, 0.55, 0.85, 1.05, 1.25, 1.38, 1.5, 1.8, 2.3, 3.15),
        (-0.90, -0.84, -0.62, -0.40, -0.05, 0.14, 0.0, 0.25, 0.7, 0.85),
    ),
    "medium": ((0, 0.5, 0.8, 1.0, 1.15, 1.4, 2.0, 3.15), (-0.80, -0.72, -0.45, 0.0, 0.45, 0.8, 0.95, 1.0)),
    "long": ((0, 0.5, 0.8, 1.0, 1.15, 1.35, 3.15), (-0.84, -0.74, -0.42, 0.1, 0.8, 2.3, 2.4)),
}
TURNS, DOWN = 640, 96  # cells of the strand table around the head and along a strand


def strand_table(rng: Rng) -> Field:
    """Brightness of strands, about unit deviation, (along, around)."""
    locks = noise(rng, (DOWN, TURNS), (4, 46))
    strands = noise(rng, (DOWN, TURNS), (5, 260))
    fine = noise(rng, (DOWN, TURNS), (14, 600))
    return np.asarray(0.42 * locks + 0.6 * strands + 0.6 * fine, np.float32)


def layer(
    person: Identity, shot: Shot, hit: Hit, *, normal: Field, turn: Field, rng: Rng
) -> tuple[Field, Field, Field]:
    """Colour (H, W, 3) of the hair, cover (H, W) of its whole volume, and where on it hair grows (H, W)."""
    crown = np.array([0.35 * person.parting, -1.25, -0.25 if person.hair == "short" else 0.0], np.float32)
    dx, dy, dz = hit.x - crown[0], hit.y - crown[1], hit.z - crown[2]
    along = np.sqrt(dx * dx + dy * dy + dz * dz)
    wave = fractal(rng, (hit.x.shape[0], hit.x.shape[1]), 7, octaves=3)
    around = np.arctan2(dx, dz) / (2 * np.pi) + 0.5
    around = (
        around
        + (0.0015 + 0.0105 * person.curl) * np.sin(along * (9 + 22 * person.curl) + 2.2 * wave)
        + (0.002 + 0.006 * person.curl) * wave
    )
    strand = look_up(strand_table(rng), np.clip(along / 3.4, 0, 1) * (DOWN - 1), (around % 1.0) * (TURNS - 1))
    if person.curl > 0.4:
        strand = 0.55 * strand + 0.3 * person.curl * fractal(
            rng, (hit.x.shape[0], hit.x.shape[1]), 62, octaves=2, gain=0.8
        )
    rough = 0.35 + 1.3 * person.curl + (0.3 if person.hair != "short" else 0.0)
    cover = np.clip(0.5 - hit.outside / 1.6 + rough * (strand - 0.4), 0, 1) * smooth(3.5, 1.0, hit.outside)
    colour = _colour(person, shot, strand=strand, normal=normal, direction=np.stack([dx, dy, dz], -1) @ turn.T)
    return colour, np.asarray(cover, np.float32), _grows(person, hit, strand)


def flyaways(cover: Field, outside: Field, rng: Rng) -> Field:
    """Cover (H, W) of single hairs that leave the outline."""
    image = Image.new("L", (cover.shape[1], cover.shape[0]))
    draw = ImageDraw.Draw(image)
    rows, columns = np.nonzero((cover > 0.3) & (np.abs(outside) < 1.5))
    if len(rows) == 0:
        return np.zeros_like(cover)
    rise_y, rise_x = np.gradient(blur(np.clip(outside, -9, 9), 3.0))
    for k in rng.integers(len(rows), size=70):
        y, x = float(rows[k]), float(columns[k])
        away = (
            np.arctan2(rise_y[rows[k], columns[k]], rise_x[rows[k], columns[k]])
            + rng.normal(0, 0.5)
            + rng.choice([-0.9, 0.9])
        )
        bend, step = rng.normal(0, 0.16), rng.uniform(1.0, 2.6)
        path = [(x, y)]
        for _ in range(5):
            x, y, away = x + step * np.cos(away), y + step * np.sin(away), away + bend
            path.append((x, y))
        draw.line(path, fill=int(rng.uniform(60, 170)), width=1)
    return np.asarray(image, np.float32) / 255


def _grows(person: Identity, hit: Hit, strand: Field) -> Field:
    angles, heights = HAIRLINES[person.hair]
    around = np.arctan2(np.abs(hit.x), hit.z)
    line = np.interp(around, angles, heights) + person.hairline * smooth(0.9, 0.3, np.asarray(around, np.float32))
    line = line + 0.22 * person.parting * hit.x * (person.hair != "short")
    if person.volume > 0.62 and person.hair in {"medium", "long"}:
        line = line + 0.36 * smooth(0.75, 0.35, np.asarray(around, np.float32))
    ragged = {"short": 0.07, "medium": 0.09, "long": 0.08}[person.hair]
    return smooth(0.075, -0.05, np.asarray(hit.y - line + ragged * strand, np.float32))


def _colour(person: Identity, shot: Shot, *, strand: Field, normal: Field, direction: Field) -> Field:
    tangent = direction - normal * np.sum(direction * normal, -1, keepdims=True)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-4
    light = np.array(shot.light_from, np.float32)
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    along_light, along_half = tangent @ light, tangent @ half
    facing = np.clip(normal @ light + 0.35, 0, 1.2) / 1.35
    diffuse = np.sqrt(np.clip(1 - along_light**2, 0, 1)) * facing
    shift = np.clip(along_half + 0.10 * strand - 0.08, -1, 1)
    across = np.square(np.square(1 - shift * shift))
    shine = across * across * across * np.clip(normal[..., 2] * 1.5, 0, 1)
    tone = np.array(person.hair_tone, np.float32)
    body = tone * np.clip(1 + 0.42 * strand, 0.12, 2.4)[..., None]
    colour = np.array(shot.light_colour, np.float32) * np.float32(shot.key * 1.15)
    sky = shot.ambient * (0.55 - 0.25 * normal[..., 1])
    grey = np.float32(0.028 + 0.25 * float(tone.mean()))
    highlight = (shine * facing * np.clip(0.8 + 0.6 * strand, 0, 2) * (0.55 if person.curl > 0.4 else 1.0))[..., None]
    return np.asarray(
        body * (colour * diffuse[..., None] + sky[..., None]) + highlight * colour * (0.35 * tone + grey), np.float32
    )
