"""Augmentation in batch that keeps forensic traces: crops without resampling, then one camera-to-web history a picture.

Real and fake draw from the same distribution, so that codec history says nothing about the label (methods: leads).
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from unmask.config import Augment
from unmask.ycbcr import LUMA

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class History:
    """What happens to one picture, in this order; None is a step left out."""

    blur_sigma: float | None
    rescale: float | None
    noise_std: float | None
    jpeg_quality: float | None
    seed: int


def random_crop(windows: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut one square a picture at a random place and flip half of them; (B, 3, W, W) -> (B, 3, size, size)."""
    batch, slack = len(windows), windows.shape[-1] - size
    top, left = torch.randint(slack + 1, (2, batch), generator=generator)
    flip = torch.rand(batch, generator=generator) < 0.5
    span = torch.arange(size)
    columns = torch.where(flip[:, None], size - 1 - span, span) + left[:, None]
    rows = span + top[:, None]
    picked = torch.arange(batch)[:, None, None]
    return windows.permute(0, 2, 3, 1)[picked, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def augment(windows: Tensor, size: int, settings: Augment, generator: torch.Generator) -> Tensor:
    """Random crop, colour, blur, rescaling, noise and recompression; uint8 (B, 3, W, W) -> float (B, 3, size, size)."""
    pictures = random_crop(windows, size, generator).float().div_(255)
    pictures = _colour(pictures, settings.colour, generator).clamp_(0, 1)
    histories = _draw(len(pictures), settings, generator)
    changed = list(histories)
    if changed:
        levels = pictures[changed].mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            lived = list(pool.map(_live, levels, histories.values()))
        pictures[changed] = torch.from_numpy(np.stack(lived)).permute(0, 3, 1, 2).float().div_(255)
    return pictures


def _draw(count: int, settings: Augment, generator: torch.Generator) -> dict[int, History]:
    """Histories by place in the batch, of those pictures to which anything happens."""
    chances, shares = torch.rand(2, count, 4, generator=generator).tolist()
    seeds = torch.randint(2**31, (count,), generator=generator).tolist()
    histories = {}
    for place, ((blur, rescale, noise, jpeg), share, seed) in enumerate(zip(chances, shares, seeds, strict=True)):
        history = History(
            blur_sigma=_within(settings.blur_sigma, share[0]) if blur < settings.blur_p else None,
            rescale=_within(settings.rescale_range, share[1]) if rescale < settings.rescale_p else None,
            noise_std=_within(settings.noise_std, share[2]) if noise < settings.noise_p else None,
            jpeg_quality=_within(settings.jpeg_quality, share[3]) if jpeg < settings.jpeg_p else None,
            seed=seed,
        )
        if history != History(None, None, None, None, seed):
            histories[place] = history
    return histories


def _within(bounds: Sequence[float], share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share


def _colour(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Jitter brightness, contrast and saturation: together one matrix and offset of colour a picture."""
    if strength <= 0:
        return pictures
    bright, contrast, saturation = 1 + strength * (2 * torch.rand(3, len(pictures), 1, 1, generator=generator) - 1)
    grey = torch.tensor(LUMA).expand(3, 3)
    matrix = bright * contrast * (saturation * torch.eye(3) + (1 - saturation) * grey)
    with torch.autocast("cpu", enabled=False):  # it would round pictures to 8 bits of mantissa
        flat = torch.baddbmm(0.5 * (1 - contrast), matrix, pictures.flatten(2))
    return flat.view_as(pictures)


def _live(pixels: Pixels, history: History) -> Pixels:
    """Put pixels (H, W, 3) through a history."""
    image = Image.fromarray(pixels)
    if history.blur_sigma is not None:
        image = image.filter(ImageFilter.GaussianBlur(history.blur_sigma))
    if history.rescale is not None:
        smaller = (max(8, round(image.width * history.rescale)), max(8, round(image.height * history.rescale)))
        image = image.resize(smaller, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)
    if history.noise_std is not None:
        noise = np.random.default_rng(history.seed).standard_normal(pixels.shape, np.float32)
        noisy = np.asarray(image, np.float32) + 255 * history.noise_std * noise
        image = Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))
    if history.jpeg_quality is not None:
        with io.BytesIO() as coded:
            image.save(coded, "JPEG", quality=round(history.jpeg_quality))
            image = Image.open(coded)
            image.load()
    return np.asarray(image, np.uint8)


def centre_crop(windows: Tensor, size: int) -> Tensor:
    """Cut the central square of each picture; what evaluation and service see."""
    start = (windows.shape[-1] - size) // 2
    return windows[..., start : start + size, start : start + size]
