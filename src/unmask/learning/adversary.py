"""The real-only domain adversary: features of reals must not tell their semantic class (SAGNet, methods: 3)."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Position = Literal["input", "penultimate"]


class _GradReverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, coef: float) -> Tensor:
        ctx.coef = coef
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return -ctx.coef * grads[0], None


def grad_reverse(x: Tensor, coef: float = 1.0) -> Tensor:
    """X itself; its gradient comes back times -COEF."""
    reversed_: Tensor = _GradReverse.apply(x, coef)
    return reversed_


class DomainAdversary(nn.Module):
    """An MLP that guesses the domain of an embedding, against which the encoder learns.

    POSITION "input" reverses before the whole MLP (as in DANN; stable from scratch), "penultimate" before its
    last layer only (as the release of SAGNet does). The first domain's logit is fixed at 0: two domains then take
    one logit and binary cross-entropy, as in the release.
    """

    def __init__(
        self, dim: int, *, n_domains: int, hidden: tuple[int, ...] = (512, 256), position: Position = "input"
    ) -> None:
        super().__init__()
        if position not in ("input", "penultimate"):
            raise ValueError(f"position must be input or penultimate, not {position!r}")
        self.position = position
        widths = (dim, *hidden)
        layers = [
            layer for a, b in zip(widths, hidden, strict=False) for layer in (nn.Linear(a, b), nn.ReLU(inplace=True))
        ]
        self.body = nn.Sequential(*layers)
        self.last = nn.Linear(widths[-1], n_domains - 1)

    def forward(self, features: Tensor, coef: float = 1.0) -> Tensor:
        """Domain logits of embeddings: (B, D) -> (B, K)."""
        if self.position == "input":
            logits = self.last(self.body(grad_reverse(features, coef)))
        else:
            logits = self.last(grad_reverse(self.body(features), coef))
        return F.pad(logits, (1, 0))


def adversary_loss(
    adversary: DomainAdversary, features: Tensor, is_real: Tensor, domain: Tensor, coef: float = 1.0
) -> Tensor:
    """Cross-entropy of the domain over the reals of a batch; 0 where there are none.

    The release sums over domains: K times this mean where each domain has an equal share of the batch.

    Shapes: features (B, D), is_real (B,) bool, domain (B,) int64, negative where unknown.
    """
    chosen = is_real & (domain >= 0)
    if not bool(chosen.any()):
        return features[:0].sum()
    return F.cross_entropy(adversary(features[chosen], coef), domain[chosen])


def ramp(progress: float, steepness: float = 10.0) -> float:
    """Coefficient 2 / (1 + exp(-STEEPNESS p)) - 1 that grows from 0 to 1 with the progress p in [0, 1] (DANN)."""
    return 2 / (1 + math.exp(-steepness * progress)) - 1
