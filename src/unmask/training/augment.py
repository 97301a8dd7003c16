"""Augmentation in batch that keeps forensic traces: crops without resampling, then one camera-to-web history a picture.

Real and fake draw from the same distribution, so that codec history says nothing about the label (methods: leads).
Pictures are 8-bit levels between the steps, as files hold them. All steps but JPEG and WebP, which run on host threads,
run on the pictures' device. Each takes only the pictures that it was drawn for: on a CPU fresh memory costs more than
arithmetic.
"""

import io
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, pad
from torchvision.transforms.v2.functional import resize

from unmask.config import Augment
from unmask.ycbcr import LUMA

Pixels = NDArray[np.uint8]

CHUNK = 16  # pictures at a time, whose floats fit a cache
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
    """Colour, blur, rescaling, noise and recompression; uint8 (B, 3, H, W) -> float in [0, 1], same shape and device.

    GENERATOR is the host's; what is drawn from it does not depend on the device.
    """
    levels = pictures.clone()
    with torch.autocast(pictures.device.type, enabled=False):  # it would round pictures to 8 bits of mantissa
        _colour(levels, settings.colour, generator)
        drawn = draw_histories(len(pictures), settings, generator)
        _blur(levels, drawn.blur_sigma, reach=math.ceil(3 * settings.blur_sigma[1]))
        _rescale(levels, drawn.rescale)
        _add_noise(levels, drawn.noise_std, drawn.seed)
        _recompress(levels, drawn.jpeg_quality, drawn.webp_quality)
    return levels.float().div_(255)


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


def _places(values: Tensor) -> Tensor:
    return torch.nonzero(~values.isnan()).flatten()


def _rounded(pictures: Tensor) -> Tensor:
    return pictures.round_().clamp_(0, 255).to(torch.uint8)


def _colour(levels: Tensor, strength: float, generator: torch.Generator) -> None:
    """Jitter brightness, contrast and saturation: together one matrix and offset of colour a picture."""
    if strength <= 0:
        return
    bright, contrast, saturation = 1 + strength * (2 * torch.rand(3, len(levels), 1, 1, generator=generator) - 1)
    grey = torch.tensor(LUMA).expand(3, 3)
    matrix = bright * contrast * (saturation * torch.eye(3) + (1 - saturation) * grey)
    offset, matrix = (part.to(levels.device) for part in (127.5 * (1 - contrast), matrix))
    for start in range(0, len(levels), CHUNK):
        some = slice(start, start + CHUNK)
        flat = levels[some].flatten(2).float()
        levels[some] = _rounded(torch.baddbmm(offset[some], matrix[some], flat)).view_as(levels[some])


def _blur(levels: Tensor, sigma: Tensor, *, reach: int) -> None:
    """Gaussian blur, SIGMA in px, of 2 REACH + 1 taps, mirrored at the border."""
    places = _places(sigma)
    if not len(places):
        return
    taps = torch.arange(-reach, reach + 1) / sigma[places, None].clamp(min=1e-3)
    kernel = torch.exp(-0.5 * taps.square())
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(levels.device).repeat_interleave(3, 0)[:, None, None]
    # A picture's three planes are groups of their own, each with its picture's kernel.
    planes = pad(levels[places].float(), (reach,) * 4, mode="reflect").flatten(0, 1)[None]
    planes = conv2d(conv2d(planes, kernel, groups=len(kernel)), kernel.mT, groups=len(kernel))
    levels[places] = _rounded(planes).view(-1, *levels.shape[1:])


def _rescale(levels: Tensor, factor: Tensor) -> None:
    """Bilinear down by a factor and up again, antialiased."""
    size = list(levels.shape[-2:])
    for place in _places(factor).tolist():
        smaller = [max(8, round(side * float(factor[place]))) for side in size]
        levels[place] = resize(resize(levels[place], smaller, antialias=True), size, antialias=True)


def _add_noise(levels: Tensor, std: Tensor, seed: int) -> None:
    """White noise, STD as a share of the full range."""
    places = _places(std)
    if len(places):
        generator = torch.Generator(levels.device).manual_seed(seed)
        noise = torch.randn(len(places), *levels.shape[1:], device=levels.device, generator=generator)
        noise *= 255 * std[places].to(levels.device)[:, None, None, None]
        levels[places] = _rounded(noise.add_(levels[places]))


def _recompress(levels: Tensor, jpeg: Tensor, webp: Tensor) -> None:
    """JPEG, then WebP, as a site stores an upload."""
    places = torch.nonzero(~(jpeg.isnan() & webp.isnan())).flatten()
    if len(places):
        pixels = levels[places].permute(0, 2, 3, 1).contiguous().cpu().numpy()
        # On a CPU the other cores are busy with the step.
        threads = torch.get_num_threads() if levels.device.type == "cpu" else os.cpu_count()
        with ThreadPoolExecutor(threads) as pool:
            coded = list(pool.map(_coded, pixels, jpeg[places].tolist(), webp[places].tolist()))
        levels[places] = torch.from_numpy(np.stack(coded)).to(levels.device).permute(0, 3, 1, 2)


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
