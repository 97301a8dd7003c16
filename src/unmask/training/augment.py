"""Augmentation in batch that keeps forensic traces: crops without resampling, then one camera-to-web history a picture.

Real and fake draw from the same distribution, so that codec history says nothing about the label (methods: leads).
All but the codecs runs on the pictures' device. Blur and rescaling are linear in rows and columns, so each is one
matrix a picture, whatever its strength. JPEG and WebP run on host threads.
"""

import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unmask.config import Augment
from unmask.models.front import LUMA

Pixels = NDArray[np.uint8]

WEBP_EFFORT = 2  # of 6; every further one costs more than a JPEG


@dataclass(frozen=True)
class Histories:
    """What happens to each picture of a batch, in this order; NaN (B,) is a step left out, `seed` draws the noise."""

    blur_sigma: Tensor
    rescale: Tensor
    noise_std: Tensor
    jpeg_quality: Tensor
    webp_quality: Tensor
    seed: int


def random_crop(windows: Tensor, rows: Sequence[int], size: int, generator: torch.Generator) -> Tensor:
    """Cut one square of each row at a random place and flip half of them; (N, 3, W, W) -> (B, 3, size, size)."""
    top, left = torch.randint(windows.shape[-1] - size + 1, (2, len(rows)), generator=generator).tolist()
    flip = (torch.rand(len(rows), 1, 1, 1, generator=generator) < 0.5).to(windows.device)
    # Straight out of the store, so that of a mapped file only what is seen is read.
    cut = torch.stack([windows[row, :, y : y + size, x : x + size] for row, y, x in zip(rows, top, left, strict=True)])
    return torch.where(flip, cut.flip(-1), cut)


def augment(pictures: Tensor, settings: Augment, generator: torch.Generator) -> Tensor:
    """Colour, blur, rescaling, noise and recompression; uint8 (B, 3, H, W) -> float of 8-bit levels, same shape.

    GENERATOR is the host's; what it gives does not depend on the device.
    """
    with torch.autocast(pictures.device.type, enabled=False):  # it would round pictures to 8 bits of mantissa
        changed = _colour(pictures.float().div_(255), settings.colour, generator).clamp_(0, 1)
        drawn = draw_histories(len(pictures), settings, generator)
        for values, matrices in ((drawn.blur_sigma, blur_matrices), (drawn.rescale, rescale_matrices)):
            places = _places(values)
            if len(places):
                operators = matrices(values[places].to(pictures.device), pictures.shape[-1])
                changed[places] = both_sides(changed[places], operators)
        _add_noise(changed, drawn)
    levels = changed.mul_(255).round_().clamp_(0, 255).to(torch.uint8)
    return _recompress(levels, drawn).float().div_(255)


def draw_histories(count: int, settings: Augment, generator: torch.Generator) -> Histories:
    """Draw for COUNT pictures which steps happen and how strongly."""
    chances, shares = torch.rand(2, 5, count, generator=generator)
    steps: list[tuple[float, Sequence[float]]] = [
        (settings.blur_p, settings.blur_sigma),
        (settings.rescale_p, settings.rescale_range),
        (settings.noise_p, settings.noise_std),
        (settings.jpeg_p, settings.jpeg_quality),
        (settings.webp_p, settings.webp_quality),
    ]
    blur, rescale, noise, jpeg, webp = (
        torch.where(chance < p, low + (high - low) * share, torch.nan)
        for chance, share, (p, (low, high)) in zip(chances, shares, steps, strict=True)
    )
    return Histories(blur, rescale, noise, jpeg, webp, int(torch.randint(2**31, (), generator=generator)))


def blur_matrices(sigma: Tensor, size: int) -> Tensor:
    """Gaussian blur along an axis, weights renormalised at the border; sigma (K,) in px -> (K, size, size)."""
    place = torch.arange(size, device=sigma.device)
    squared = (place[:, None] - place).square()
    # Below this width a Gaussian on whole pixels is the identity.
    return _normalised(torch.exp(-squared / (2 * sigma.clamp(min=0.05).square())[:, None, None]))


def rescale_matrices(factor: Tensor, size: int) -> Tensor:
    """Bilinear down by a factor, antialiased, and bilinear up again, along an axis; (K,) -> (K, size, size)."""
    fewer = (factor * size).round_().clamp_(8, size)[:, None, None]
    place = torch.arange(size, device=factor.device)
    inside = place < fewer.mT
    # Distance of a large pixel (first axis) from a small one (second), in small pixels.
    apart = ((place[:, None] + 0.5) * fewer / size - 0.5 - place).abs()
    weights = (1 - apart).clamp_(min=0) * inside
    return _normalised(weights) @ _normalised(weights.mT)


def both_sides(pictures: Tensor, matrices: Tensor) -> Tensor:
    """Apply each picture's matrix (K, S, S) along its columns and its rows; (K, 3, S, S) -> same."""
    one = matrices[:, None]
    return one @ pictures @ one.mT


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-12)


def _places(values: Tensor) -> Tensor:
    return torch.nonzero(~values.isnan()).flatten()


def _colour(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Jitter brightness, contrast and saturation: together one matrix and offset of colour a picture."""
    if strength <= 0:
        return pictures
    bright, contrast, saturation = 1 + strength * (2 * torch.rand(3, len(pictures), 1, 1, generator=generator) - 1)
    grey = torch.tensor(LUMA).expand(3, 3)
    matrix = bright * contrast * (saturation * torch.eye(3) + (1 - saturation) * grey)
    offset, matrix = (part.to(pictures.device) for part in (0.5 * (1 - contrast), matrix))
    return torch.baddbmm(offset, matrix, pictures.flatten(2)).view_as(pictures)


def _add_noise(pictures: Tensor, drawn: Histories) -> None:
    places = _places(drawn.noise_std)
    if len(places):
        device = pictures.device
        generator = torch.Generator(device).manual_seed(drawn.seed)
        noise = torch.randn(len(places), *pictures.shape[1:], device=device, generator=generator)
        pictures[places] += noise * drawn.noise_std[places].to(device)[:, None, None, None]


def _recompress(levels: Tensor, drawn: Histories) -> Tensor:
    """Put those of uint8 (B, 3, H, W) through JPEG, then WebP, for which a quality was drawn; changes LEVELS."""
    jpeg, webp = drawn.jpeg_quality, drawn.webp_quality
    places = torch.nonzero(~(jpeg.isnan() & webp.isnan())).flatten()
    if len(places):
        pixels = levels[places].permute(0, 2, 3, 1).contiguous().cpu().numpy()
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            coded = list(pool.map(_coded, pixels, jpeg[places].tolist(), webp[places].tolist()))
        levels[places] = torch.from_numpy(np.stack(coded)).to(levels.device).permute(0, 3, 1, 2)
    return levels


def _coded(pixels: Pixels, jpeg: float, webp: float) -> Pixels:
    for name, quality in (("JPEG", jpeg), ("WEBP", webp)):
        if not math.isnan(quality):
            with io.BytesIO() as coded:
                Image.fromarray(pixels).save(coded, name, quality=round(quality), method=WEBP_EFFORT)
                with Image.open(coded) as opened:
                    pixels = np.asarray(opened.convert("RGB"))
    return pixels


def centre_crop(windows: Tensor, size: int) -> Tensor:
    """Cut the central square of each picture; what evaluation and service see."""
    start = (windows.shape[-1] - size) // 2
    return windows[..., start : start + size, start : start + size]
