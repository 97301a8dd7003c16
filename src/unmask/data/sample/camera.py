"""A small camera: lens, colour filter mosaic, noise, demosaicing, white balance, tone curve, sharpening."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unmask.data.sample.fields import Field, Rng, blur

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Model:
    """A camera model: its mosaic's phase, demosaicing, noise, tone and sharpening."""

    phase: tuple[int, int]
    gradient: bool
    read_noise: float
    full_well: float  # electrons at white and base gain
    gamma: float
    contrast: float
    sharpen: float
    saturation: float


MODELS = {
    "alder": Model((0, 0), True, 3.5, 5200.0, 2.2, 0.25, 0.55, 1.10),
    "birch": Model((0, 1), False, 5.0, 3600.0, 2.3, 0.35, 0.80, 1.18),
    "cedar": Model((1, 0), True, 3.0, 7000.0, 2.1, 0.15, 0.35, 1.02),
    "dogwood": Model((1, 1), False, 6.5, 2800.0, 2.35, 0.40, 0.70, 1.12),
}
TO_SENSOR = np.array([[0.78, 0.18, 0.04], [0.16, 0.74, 0.10], [0.03, 0.22, 0.75]], np.float32)


def photograph(radiance: Field, size: int, model: Model, rng: Rng) -> Picture:
    """Take a picture (SIZE, SIZE, 3) of linear radiance that is sampled more finely."""
    light = _expose(_lens(radiance, size, rng), rng)
    sensor = light @ TO_SENSOR.T
    mosaic, masks = _mosaic(sensor, model)
    gain = float(np.exp(rng.uniform(np.log(1.0), np.log(5.0))))
    well = model.full_well / gain
    electrons = np.clip(mosaic, 0, 1.3) * well
    noisy = electrons + rng.standard_normal(mosaic.shape) * np.sqrt(electrons + model.read_noise**2)
    raw = np.clip(noisy / well, 0, 1.0).astype(np.float32)
    colour = _demosaic(raw, masks, gradient=model.gradient)
    balanced = colour @ np.linalg.inv(TO_SENSOR).T.astype(np.float32)
    warmth = rng.normal(0, 0.04)
    balanced = np.clip(balanced * np.array([1 + warmth, 1.0, 1 - warmth], np.float32), 0, 1)
    if gain > 2.2:
        balanced = _quieten(balanced, 0.25 * np.log(gain))
    return _develop(balanced, model, rng)


def _lens(radiance: Field, size: int, rng: Rng) -> Field:
    factor = radiance.shape[0] / size
    soft = blur(radiance, float(factor * rng.uniform(0.32, 0.85)))
    middle = (radiance.shape[0] - 1) / 2
    ticks = (np.arange(size) + 0.5) * factor - 0.5
    stretch = rng.normal(0, 0.0012)
    channels = []
    for channel, enlarge in enumerate((1 + stretch, 1.0, 1 - stretch)):
        at = middle + (ticks - middle) * enlarge
        grid = np.meshgrid(at, at, indexing="ij")
        channels.append(ndimage.map_coordinates(soft[..., channel], grid, order=1, mode="nearest"))
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    vignette = 1 - rng.uniform(0.02, 0.22) * (x * x + y * y) / 2
    return np.asarray(np.stack(channels, -1) * vignette[..., None], np.float32)


def _expose(light: Field, rng: Rng) -> Field:
    grey = light.mean(-1)
    core = grey[grey.shape[0] // 5 : -grey.shape[0] // 5, grey.shape[1] // 5 : -grey.shape[1] // 5]
    level = 0.55 * float(np.percentile(core, 75)) + 0.45 * float(np.percentile(grey, 92)) * 0.6
    target = np.exp(rng.normal(np.log(0.30), 0.16))
    return np.asarray(light * (target / max(level, 0.02)) ** 0.82, np.float32)


def _mosaic(sensor: Field, model: Model) -> tuple[Field, Field]:
    """Keep one colour a photosite; masks (3, H, W) tell which."""
    row, column = np.indices(sensor.shape[:2])
    row, column = (row + model.phase[0]) % 2, (column + model.phase[1]) % 2
    red, blue = (row == 0) & (column == 0), (row == 1) & (column == 1)
    masks = np.stack([red, ~(red | blue), blue]).astype(np.float32)
    return np.asarray((sensor * masks.transpose(1, 2, 0)).sum(-1), np.float32), masks


def _demosaic(raw: Field, masks: Field, *, gradient: bool) -> Field:
    """Bilinear interpolation; with GRADIENT green follows edges and red and blue follow green."""
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
    full = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
    green = ndimage.convolve(raw * masks[1], cross, mode="mirror")
    if gradient:
        across = ndimage.convolve1d(raw, [0.5, 0, 0.5], axis=1, mode="mirror")
        down = ndimage.convolve1d(raw, [0.5, 0, 0.5], axis=0, mode="mirror")
        bend_x = ndimage.convolve1d(raw, [-0.25, 0, 0.5, 0, -0.25], axis=1, mode="mirror")
        bend_y = ndimage.convolve1d(raw, [-0.25, 0, 0.5, 0, -0.25], axis=0, mode="mirror")
        rough_x = np.abs(ndimage.convolve1d(raw, [1, 0, -1], axis=1, mode="mirror")) + 2 * np.abs(bend_x)
        rough_y = np.abs(ndimage.convolve1d(raw, [1, 0, -1], axis=0, mode="mirror")) + 2 * np.abs(bend_y)
        share = (rough_y + 1e-3) / (rough_x + rough_y + 2e-3)
        follow = share * (across + bend_x) + (1 - share) * (down + bend_y)
        green = np.where(masks[1] > 0, raw, follow)
        red = green + ndimage.convolve((raw - green) * masks[0], full, mode="mirror")
        blue = green + ndimage.convolve((raw - green) * masks[2], full, mode="mirror")
    else:
        red = ndimage.convolve(raw * masks[0], full, mode="mirror")
        blue = ndimage.convolve(raw * masks[2], full, mode="mirror")
    return np.asarray(np.clip(np.stack([red, green, blue], -1), 0, 1), np.float32)


def _quieten(picture: Field, strength: float) -> Field:
    """Smooth the colour differences, as cameras do at high gain."""
    grey = picture.mean(-1, keepdims=True)
    return np.asarray(np.clip(grey + blur(picture - grey, 0.6 + strength), 0, 1), np.float32)


def _develop(linear: Field, model: Model, rng: Rng) -> Picture:
    tone = linear ** (1 / model.gamma)
    curved = tone * tone * (3 - 2 * tone)
    tone = tone + (curved - tone) * model.contrast
    grey = tone.mean(-1, keepdims=True)
    tone = grey + (tone - grey) * (model.saturation * rng.uniform(0.9, 1.1))
    edges = tone - blur(tone, 1.0)
    tone = tone + edges * (model.sharpen * rng.uniform(0.6, 1.2))
    return np.asarray(np.clip(tone * 255 + 0.5, 0, 255), np.uint8)
