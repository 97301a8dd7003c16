"""One training loop on lightning.fabric for every objective: resumable at any step with the same result.

Everything random is a function of (seed, step), so a checkpoint holds no generator's state.
"""

import copy
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from unmask.config import Optimiser, Scale
from unmask.console import say, track
from unmask.errors import TrainingError
from unmask.training.checkpoint import Checkpoints

Row = dict[str, float]


@dataclass(frozen=True)
class Moment:
    """Where training stands; `generator` is seeded by (seed, step)."""

    epoch: int
    step: int
    total_steps: int
    learning_rate: float
    generator: torch.Generator

    @property
    def progress(self) -> float:
        """Share of all steps already taken."""
        return self.step / max(1, self.total_steps)


class Objective(Protocol):
    """What one stage adds to the loop."""

    @property
    def module(self) -> nn.Module:
        """Everything that is trained or buffered."""

    @property
    def kept(self) -> nn.Module:
        """The part that is averaged, validated and written."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups for AdamW."""

    def batches(self, epoch: int) -> Sequence[list[int]]:
        """Row numbers of each batch of an epoch: the same for the same epoch, and as many in every epoch."""

    def losses(self, rows: list[int], moment: Moment) -> dict[str, Tensor]:
        """Loss components of a batch by name; `loss` is minimised."""

    def before_step(self, rows: list[int], moment: Moment, optimizer: torch.optim.Optimizer) -> None:
        """Update whatever is not trained by the loss itself (bi-level weights); the gradients are there."""

    def after_step(self, moment: Moment) -> Row:
        """Act on the new weights; returns values to log."""

    def validate(self, kept: nn.Module) -> float | None:
        """Score on validation groups, higher is better; None where there is nothing to choose by."""

    def names(self, rows: list[int]) -> list[str]:
        """Picture ids of a batch, for an error message."""

    def state(self) -> dict[str, Tensor]:
        """State besides the module's."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` gave."""


@dataclass
class _Progress:
    step: int = 0
    best: float = -math.inf
    best_epoch: int = -1
    history: list[Row] = field(default_factory=list)
    sums: Row = field(default_factory=dict)


def make_fabric(scale: Scale) -> Fabric:
    """Fabric on the chosen device; `auto` precision is bf16 where the processor computes in it."""
    accelerator = {"auto": "auto", "cpu": "cpu", "cuda": "cuda"}[scale.device]
    precision = {"auto": "auto", "fp32": "32-true", "bf16": "bf16-mixed"}[scale.precision]
    if precision == "auto":
        cuda = accelerator != "cpu" and torch.cuda.is_available()
        fast = cuda or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        precision = "bf16-mixed" if fast else "32-true"
    return Fabric(accelerator=accelerator, devices=1, precision=precision)


class Loop:
    """Trains one objective.

    Args:
        fabric: device and precision.
        objective: what is trained, on what.
        settings: optimiser section of params.yaml.
        epochs: passes over the objective's batches.
        patience: epochs without a better validation score before stopping; 0 never stops early.
        seed: governs order, augmentation and dropout.
        checkpoints: where an interrupted run continues from.
    """

    def __init__(
        self,
        fabric: Fabric,
        objective: Objective,
        settings: Optimiser,
        *,
        epochs: int,
        patience: int,
        seed: int,
        checkpoints: Checkpoints,
    ) -> None:
        self.fabric, self.objective, self.settings = fabric, objective, settings
        self.epochs, self.patience, self.seed, self.checkpoints = epochs, patience, seed, checkpoints
        self.steps_per_epoch = len(objective.batches(0))
        self.optimizer = torch.optim.AdamW(
            objective.parameter_groups(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.average = copy.deepcopy(objective.kept).requires_grad_(False).eval()
        self.best = {name: tensor.clone() for name, tensor in objective.kept.state_dict().items()}
        self.progress = _Progress()

    def run(self, what: str) -> list[Row]:
        """Train to the end, leave the best weights in `objective.kept`, and return one row an epoch."""
        self._resume(what)
        first = self.progress.step // self.steps_per_epoch
        for epoch in range(first, self.epochs):
            if self.patience and 0 <= self.progress.best_epoch < epoch - self.patience:
                say(f"{what}: no better validation score for {self.patience} epochs, stopping after {epoch}")
                break
            self._epoch(epoch, what)
            self._close_epoch(epoch, what)
        self.objective.kept.load_state_dict(self.best)
        return self.progress.history

    def _epoch(self, epoch: int, what: str) -> None:
        batches = self.objective.batches(epoch)
        start = self.progress.step - epoch * self.steps_per_epoch
        label = f"{what} {epoch + 1}/{self.epochs}"
        for rows in track(batches[start:], label, total=self.steps_per_epoch - start):
            self._step(epoch, rows)
            last = self.progress.step == (epoch + 1) * self.steps_per_epoch
            if not last and self.progress.step % self.settings.checkpoint_every_steps == 0:
                self._save()

    def _step(self, epoch: int, rows: list[int]) -> None:
        step = self.progress.step
        rate = self._schedule(step)
        seed = self.seed * 1_000_003 + step
        torch.manual_seed(seed)
        moment = Moment(
            epoch=epoch,
            step=step,
            total_steps=self.epochs * self.steps_per_epoch,
            learning_rate=rate,
            generator=torch.Generator().manual_seed(seed),
        )
        self.objective.module.train()
        with self.fabric.autocast():
            losses = self.objective.losses(rows, moment)
        if not torch.isfinite(losses["loss"]):
            listed = ", ".join(self.objective.names(rows)[:8])
            raise TrainingError(f"the loss is not finite at step {step}; the batch held {listed}, ...")
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses["loss"])
        torch.nn.utils.clip_grad_norm_(self.objective.module.parameters(), self.settings.clip_norm)
        self.objective.before_step(rows, moment, self.optimizer)
        self.optimizer.step()
        self._update_average(step)
        logged = {name: float(value.detach()) for name, value in losses.items()} | self.objective.after_step(moment)
        for name, value in logged.items():
            self.progress.sums[name] = self.progress.sums.get(name, 0.0) + value
        self.progress.step += 1

    def _schedule(self, step: int) -> float:
        """Linear warm-up, then a cosine to zero; returns the first group's rate."""
        total = self.epochs * self.steps_per_epoch
        warm = max(1, round(total * self.settings.warmup_fraction))
        factor = (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
        return float(self.optimizer.param_groups[0]["lr"])

    def _update_average(self, step: int) -> None:
        # Early averages would otherwise be dominated by the untrained weights.
        decay = min(self.settings.ema_decay, (1 + step) / (10 + step))
        current = self.objective.kept.state_dict()
        with torch.no_grad():
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(current[name], 1 - decay)
                else:
                    mean.copy_(current[name])

    def _close_epoch(self, epoch: int, what: str) -> None:
        progress = self.progress
        row: Row = {"epoch": float(epoch), "learning_rate": float(self.optimizer.param_groups[0]["lr"])}
        row |= {name: total / self.steps_per_epoch for name, total in progress.sums.items()}
        score = self.objective.validate(self.average)
        if score is not None:
            row["validation_auc"] = score
        if score is None or score > progress.best:
            progress.best, progress.best_epoch = (score if score is not None else -math.inf), epoch
            self.best = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}
        progress.history.append(row)
        progress.sums = {}
        told = "" if score is None else f", validation AUC {score:.3f}"
        say(f"{what} {epoch + 1}/{self.epochs}: loss {row['loss']:.3f}{told}")
        self._save()

    def _save(self) -> None:
        groups = {"module": self.objective.module.state_dict(), "average": self.average.state_dict()}
        groups |= {"best": self.best, "objective": self.objective.state()}
        tensors = {f"{group}/{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{slot}": tensor for slot, tensor in slots.items()}
        progress = self.progress
        best = progress.best if math.isfinite(progress.best) else None
        state = {"step": progress.step, "best": best, "best_epoch": progress.best_epoch}
        self.checkpoints.save(tensors, {**state, "history": progress.history, "sums": progress.sums})

    def _resume(self, what: str) -> None:
        stored = self.checkpoints.load()
        if stored is None:
            return
        tensors, state = stored
        groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for name, tensor in tensors.items():
            group, _, rest = name.partition("/")
            groups[group][rest] = self.fabric.to_device(tensor)
        self.objective.module.load_state_dict(groups["module"])
        self.average.load_state_dict(groups["average"])
        self.objective.load_state(groups["objective"])
        self.best = groups["best"]
        self._load_optimizer(groups["optimizer"])
        best = -math.inf if state["best"] is None else state["best"]
        self.progress = _Progress(state["step"], best, state["best_epoch"], state["history"], state["sums"])
        say(f"{what}: continuing after step {state['step']} of {self.epochs * self.steps_per_epoch}")

    def _load_optimizer(self, tensors: dict[str, Tensor]) -> None:
        whole = self.optimizer.state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            index, _, slot = name.partition("/")
            slots.setdefault(int(index), {})[slot] = tensor
        self.optimizer.load_state_dict({**whole, "state": slots})
