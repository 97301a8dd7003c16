"""The newcomer of the drill on the sample: a forger that no training has seen.

It stands for a decoder that works on a coarse grid, as those of latent generators do: the face comes back with a faint
lattice of colour, about as wide as the grid's cells, and brightness as it was. None of the sample's forgers leaves
anything periodic.
"""

import numpy as np

from unmask.data.sample.fields import Field, Rng
from unmask.data.sample.forgers import Forgery, Photo
from unmask.data.sample.warping import face_mask

NAME = "lattice"
NOTE = (
    f"`{NAME}` was chosen from some 25 edits because the champion misses it and its embedding is novel. That it is "
    "missed at first and raises an alarm is therefore no finding; what the loop makes of the alarm is."
)
PERIOD_PX = (7.0, 9.0)  # each value is drawn from its range for every picture
LEVELS = (8.0, 10.0)  # of 255, of the wave along each side
COLOUR = np.array([1.0, -0.35, -0.35], np.float32)  # red against the rest: a twentieth of it shows in brightness
FEATHER = 0.03  # of the picture's height
ALTERED = 0.08  # of the soft mask, from which a pixel counts as altered


def forge(photo: Photo, rng: Rng) -> Forgery:
    """Render the face of PHOTO anew; everything around it stays."""
    original = photo.pixels.astype(np.float32)
    height, width = original.shape[:2]
    mask = face_mask(photo.landmarks, (height, width), shrink=0.0, feather=FEATHER * height)
    content = original + lattice((height, width), rng)[..., None] * COLOUR
    mixed = original + (content - original) * mask[..., None]
    pixels = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    pixels[mask == 0] = photo.pixels[mask == 0]
    return Forgery(pixels, ((mask > ALTERED) * np.uint8(255)).astype(np.uint8), photo.landmarks)


def lattice(shape: tuple[int, int], rng: Rng) -> Field:
    """Two crossed waves (H, W) in levels of 255."""
    period, levels = (float(rng.uniform(*bounds)) for bounds in (PERIOD_PX, LEVELS))
    waves = [np.cos(2 * np.pi * (np.arange(side) / period + rng.random())) for side in shape]
    return np.asarray(levels * (waves[0][:, None] + waves[1][None, :]), np.float32)
