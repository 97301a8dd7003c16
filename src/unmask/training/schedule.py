"""The learning rate as a function of the step alone, so that a resumed run needs no scheduler's state."""

import math

import torch


class WarmCosine:
    """Linear warm-up over a share of all steps, then a cosine to zero, on every group's own rate."""

    def __init__(self, optimizer: torch.optim.Optimizer, *, total_steps: int, warmup_fraction: float) -> None:
        self.optimizer = optimizer
        self.total_steps = total_steps
        self.warm_steps = max(1, round(total_steps * warmup_fraction))
        self.base_rates = [float(group["lr"]) for group in optimizer.param_groups]

    def factor(self, step: int) -> float:
        """Share of the full rate at a step, in (0, 1] up to the last one."""
        if step < self.warm_steps:
            return (step + 1) / self.warm_steps
        return 0.5 * (1 + math.cos(math.pi * (step - self.warm_steps) / (self.total_steps - self.warm_steps)))

    def rate(self, step: int) -> float:
        """The first group's rate at a step."""
        return self.base_rates[0] * self.factor(step)

    def set(self, step: int) -> None:
        """Give every group its rate at a step."""
        factor = self.factor(step)
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
