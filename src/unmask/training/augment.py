"""Augmentation in batch that keeps forensic traces: crops without resampling, then one camera-to-web history a picture.

Real and fake draw from the same distribution, so that codec history says nothing about the label (methods: leads).
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

from unmask.config import Augment

Change = Callable[[Tensor, float], Tensor]


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


def centre_crop(windows: Tensor, size: int) -> Tensor:
    """Cut the central square of each picture; what evaluation and service see."""
    start = (windows.shape[-1] - size) // 2
    return windows[..., start : start + size, start : start + size]


def augment(windows: Tensor, size: int, settings: Augment, generator: torch.Generator) -> Tensor:
    """Random crop, colour, blur, rescaling, noise and recompression; uint8 (B, 3, W, W) -> float (B, 3, size, size)."""
    pictures = random_crop(windows, size, generator).float().div_(255)
    chances = torch.rand(len(pictures), 4, generator=generator)
    amounts = torch.rand(len(pictures), 4, generator=generator)
    pictures = _colour(pictures, settings.colour, generator)
    steps: tuple[tuple[float, Sequence[float], Change], ...] = (
        (settings.blur_p, settings.blur_sigma, _blur),
        (settings.rescale_p, settings.rescale_range, _rescale),
        (settings.noise_p, settings.noise_std, _Noise(generator)),
        (settings.jpeg_p, settings.jpeg_quality, _jpeg),
    )
    for column, (chance, span, change) in enumerate(steps):
        for index in torch.nonzero(chances[:, column] < chance).flatten().tolist():
            amount = span[0] + (span[1] - span[0]) * float(amounts[index, column])
            pictures[index] = change(pictures[index], amount)
    return pictures.clamp_(0, 1)


def _colour(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    if strength <= 0:
        return pictures
    factors = 1 + strength * (2 * torch.rand(3, len(pictures), 1, 1, 1, generator=generator) - 1)
    pictures = pictures * factors[0]
    pictures = (pictures - 0.5) * factors[1] + 0.5
    grey = pictures.mean(dim=1, keepdim=True)
    return ((pictures - grey) * factors[2] + grey).clamp(0, 1)


def _blur(picture: Tensor, sigma: float) -> Tensor:
    kernel = 2 * max(1, round(3 * sigma)) + 1
    return torch.as_tensor(TF.gaussian_blur(picture, [kernel, kernel], [sigma, sigma]))


def _rescale(picture: Tensor, factor: float) -> Tensor:
    side = picture.shape[-1]
    small = F.interpolate(picture[None], size=max(8, round(side * factor)), mode="bilinear", antialias=True)
    return F.interpolate(small, size=side, mode="bilinear")[0]


class _Noise:
    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def __call__(self, picture: Tensor, std: float) -> Tensor:
        return picture + std * torch.randn(picture.shape, generator=self.generator)


def _jpeg(picture: Tensor, quality: float) -> Tensor:
    levels = picture.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    with io.BytesIO() as coded:
        Image.fromarray(levels).save(coded, "JPEG", quality=round(quality))
        decoded = np.asarray(Image.open(coded))
    return torch.from_numpy(decoded.astype(np.float32)).permute(2, 0, 1).div_(255)
