"""Pictures that the stand-in's hand-made model tells apart: it finds bright ones forged."""

from io import BytesIO

import numpy as np
from PIL import Image

from benchmarks.drill.pictures import Material, Picture

SIDE = 48
# Generator: label and colour; to the model, which looks at their mean, the newcomer is uncertain.
KINDS = {
    "camera": ("real", (50, 50, 50)),
    "swap": ("fake", (230, 230, 230)),
    "newcomer": ("fake", (80, 80, 220)),
}


def picture(generator: str, number: int) -> Picture:
    """A picture like no other of its generator."""
    label, colour = KINDS[generator]
    rng = np.random.default_rng((*colour, number))
    pixels = np.clip(colour + rng.normal(0, 12, 3) + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return Picture(f"{generator}/{number}.png", stream.getvalue(), label, generator, f"{generator}-{number}")


def material(*, usual: int, new: int, held_out: int) -> Material:
    """So many usual pictures, half of them real, so many of the newcomer, and so many of each held out."""
    known = [picture(name, number) for number in range(usual // 2) for name in ("camera", "swap")]
    fresh = [picture("newcomer", number) for number in range(new)]
    kept = [picture(name, 10_000 + number) for name in KINDS for number in range(held_out)]
    return Material("newcomer", known, fresh, kept)
