"""What the first convolution sees: the normalised picture, and on wish a fixed residual of it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmask.ycbcr import LUMA

LIGHT_GAIN = 60.0  # brings the residual of portraits, std 0.005 to 0.03 of 1 by codec and scale, to the order of 1
COLOUR_GAIN = 60.0  # likewise for colour, which is fainter and kept over a wider band
RESIDUAL_LIMIT = 4.0  # hair and text would otherwise rule the first convolution
DOWN_UP_GAIN = 60.0  # likewise for differences of neighbours, std 0.007 to 0.04 of 1
COLOUR_REACH = 4  # px; local colour is the mean of a square of 2 * COLOUR_REACH + 1


class Front(nn.Module):
    """(B, 3, H, W) in [0, 1] -> (B, 3 or 6, H, W); without parameters. NAME is a key of RESIDUALS."""

    mean: Tensor
    std: Tensor

    def __init__(self, *, mean: tuple[float, ...], std: tuple[float, ...], name: str) -> None:
        super().__init__()
        self.residual = RESIDUALS[name]
        self.channels = channels_of(name)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised colour channels, then the residual where there is one."""
        normal = (pictures - self.mean) / self.std
        return normal if self.residual is None else torch.cat([normal, self.residual(pictures)], dim=1)


def residual(pictures: Tensor) -> Tensor:
    """High-pass luma, Cb and Cr of pictures (B, 3, H, W) in [0, 1], of about unit std and clipped; same shape.

    The three channels are luma's second difference along x, then along y, which removes gradients and straight
    edges, and both colour differences less their local mean. What is left are the traces of sensors, codecs and
    generators; colour is apart from light because skin varies little in it, and faint errors of it would drown.

    Written without convolutions, because autocast would round those to bf16 before they cancel.
    """
    red, green, blue = pictures[:, :1], pictures[:, 1:2], pictures[:, 2:3]
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    colour = torch.cat([(blue - luma) / (2 - 2 * LUMA[2]), (red - luma) / (2 - 2 * LUMA[0])], dim=1)
    light = _second_difference(luma) * LIGHT_GAIN
    return torch.cat([light, _less_local_mean(colour) * COLOUR_GAIN], dim=1).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)


def down_up(pictures: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in [0, 1] less their nearest-neighbour copy down and up by 2, of about unit std, clipped.

    What up-sampling layers leave between the pixels of each square of 2 (NPR, methods: 5.4). Which pixels share a
    square depends on the crop, so H and W must be even (ValueError).
    """
    if pictures.shape[-2] % 2 or pictures.shape[-1] % 2:
        raise ValueError(f"the sides of a picture must be even, not {tuple(pictures.shape[-2:])}")
    copy = F.interpolate(pictures[..., ::2, ::2], scale_factor=2.0, mode="nearest")
    return ((pictures - copy) * DOWN_UP_GAIN).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)


RESIDUALS: dict[str, Callable[[Tensor], Tensor] | None] = {"none": None, "residual": residual, "downup": down_up}


def channels_of(name: str) -> int:
    """Channels that a front of NAME gives: colour, and its residual where there is one."""
    return 3 if RESIDUALS[name] is None else 6


def _second_difference(plane: Tensor) -> Tensor:
    padded = F.pad(plane, (1, 1, 1, 1), mode="reflect")
    across = 2 * padded[..., 1:-1] - padded[..., :-2] - padded[..., 2:]
    return (2 * across[..., 1:-1, :] - across[..., :-2, :] - across[..., 2:, :]) / 4


def _less_local_mean(planes: Tensor) -> Tensor:
    side = 2 * COLOUR_REACH + 1
    padded = F.pad(planes, (COLOUR_REACH,) * 4, mode="reflect")
    return planes - F.avg_pool2d(F.avg_pool2d(padded, (side, 1), stride=1), (1, side), stride=1)
