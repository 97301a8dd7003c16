"""The fidelity loss on marginals and the means per level of the label graph (SJEDD, methods: 1.8)."""

import math

import torch
from torch import Tensor

from unmask.labels.graph import LabelGraph


def fidelity_loss(
    p: Tensor, g: Tensor, mask: Tensor | None = None, *, eps: float = 1e-8, zero_min: bool = True
) -> Tensor:
    """1 - sqrt(p g + eps) - sqrt((1 - p)(1 - g) + eps) for each label; all (B, n).

    Entries whose MASK is 0 give no loss and no gradient. ZERO_MIN lifts the minimum from -1e-4 to exactly 0.
    EPS must be positive: without it a hard target has a NaN gradient (ValueError).
    """
    if eps <= 0:
        raise ValueError(f"eps must be positive, not {eps}")
    lift = math.sqrt(1 + eps) + math.sqrt(eps) - 1 if zero_min else 0.0
    loss = 1 + lift - torch.sqrt(p * g + eps) - torch.sqrt((1 - p) * (1 - g) + eps)
    return loss if mask is None else loss * mask


def level_losses(elementwise: Tensor, graph: LabelGraph, mask: Tensor | None = None) -> Tensor:
    """Means over batch and labels of the root, the globals and the locals: (B, n) -> (3,).

    Only entries whose MASK is 1 count; a level without any gives 0.
    """
    weight = torch.ones_like(elementwise) if mask is None else mask.to(elementwise.dtype)
    sums = [
        (elementwise[:, level] * weight[:, level]).sum() / weight[:, level].sum().clamp(min=1)
        for level in graph.levels()
    ]
    return torch.stack(sums)
