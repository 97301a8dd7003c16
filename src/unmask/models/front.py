"""What the first convolution sees: the normalised picture, and on wish its fixed high-pass residual."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RESIDUAL_GAIN = 60.0  # brings the residual of portraits, std 0.005 to 0.03 of 1 by codec and scale, to the order of 1
RESIDUAL_LIMIT = 4.0  # hair and text would otherwise rule the first convolution


class Front(nn.Module):
    """(B, 3, H, W) in [0, 1] -> (B, 3 or 6, H, W); without parameters.

    The residual is the second difference along x, then along y, of the picture before normalisation, which
    removes gradients and straight edges and leaves the traces of sensors, codecs and generators.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, mean: tuple[float, ...], std: tuple[float, ...], residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.channels = 6 if residual else 3
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised colour channels, then the residual where there is one."""
        normal = (pictures - self.mean) / self.std
        if not self.residual:
            return normal
        return torch.cat([normal, residual(pictures)], dim=1)


def residual(pictures: Tensor) -> Tensor:
    """Second differences of pictures in [0, 1], scaled to about unit std and clipped; same shape.

    Written as differences, not as a convolution, because autocast would round that to bf16 before it cancels.
    """
    padded = F.pad(pictures, (1, 1, 1, 1), mode="reflect")
    across = 2 * padded[..., 1:-1] - padded[..., :-2] - padded[..., 2:]
    both = 2 * across[..., 1:-1, :] - across[..., :-2, :] - across[..., 2:, :]
    return (both * (RESIDUAL_GAIN / 4)).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)
