"""The exponential moving average of a network's weights: what is validated and written."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """A frozen copy in eval mode that follows a module; buffers are averaged too, whole numbers are copied."""

    def __init__(self, followed: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(followed).requires_grad_(False).eval()
        # The state dicts' tensors are the modules' own, so one look-up serves every step.
        own, theirs = self.module.state_dict(), followed.state_dict()
        pairs = [(mean, theirs[name]) for name, mean in own.items()]
        self._means = [mean for mean, _ in pairs if mean.is_floating_point()]
        self._values = [value for mean, value in pairs if mean.is_floating_point()]
        self._copied = [(mean, value) for mean, value in pairs if not mean.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the followed weights after a step."""
        # Early averages would otherwise be dominated by the untrained weights.
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._means, self._values, 1 - decay)
        for mean, value in self._copied:
            mean.copy_(value)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of the averaged weights."""
        return {name: tensor.clone() for name, tensor in self.module.state_dict().items()}
