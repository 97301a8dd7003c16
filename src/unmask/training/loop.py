"""One training loop on lightning.fabric for every objective: resumable at any step with the same result.

Everything random is a function of (seed, step), so a checkpoint holds no generator's state. A step never waits for the
device: what it logs is read later, and whether it was finite is looked up while the next one runs.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from unmask.config import Optimiser
from unmask.console import say, track
from unmask.errors import TrainingError
from unmask.training.average import Average
from unmask.training.checkpoint import Checkpoints
from unmask.training.feeding import Batch, ahead
from unmask.training.log import Log, Row
from unmask.training.schedule import WarmCosine


@dataclass(frozen=True)
class Moment:
    """Where training stands.

    `generator` is the host's, seeded by (seed, step); the batch is the first to draw from it, in `Objective.prepare`.
    """

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

    def prepare(self, rows: list[int], moment: Moment) -> Batch:
        """All that a step needs, on the device.

        Runs on a thread of its own while an earlier step computes: may look at nothing that a step changes, and draw
        from the moment's generator alone.
        """

    def losses(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """Loss components of a batch by name; `loss` is minimised."""

    def before_step(self, batch: Batch, moment: Moment, optimizer: torch.optim.Optimizer) -> None:
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


@dataclass(frozen=True)
class _Taken:
    """A step whose values nobody has looked at yet."""

    step: int
    rows: list[int]
    names: list[str]
    values: Tensor


class Loop:
    """Trains one objective.

    Args:
        fabric: device and precision.
        objective: what is trained, on what.
        settings: optimiser section of params.yaml.
        epochs: passes over the objective's batches.
        patience: epochs without a better validation score before stopping; 0 never stops early.
        keep: the epoch whose weights stay. Validation rows know nothing of what is new, so that a network that goes on
            learning would look best before it has learnt anything.
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
        keep: Literal["best", "last"] = "best",
    ) -> None:
        self.fabric, self.objective, self.settings = fabric, objective, settings
        self.epochs, self.patience, self.seed, self.checkpoints = epochs, patience, seed, checkpoints
        self.keep = keep
        self.steps_per_epoch = len(objective.batches(0))
        self.optimizer = torch.optim.AdamW(
            objective.parameter_groups(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.schedule = WarmCosine(
            self.optimizer, total_steps=epochs * self.steps_per_epoch, warmup_fraction=settings.warmup_fraction
        )
        self.average = Average(objective.kept, settings.ema_decay)
        self.best = self.average.snapshot()
        self.progress = _Progress()
        self.log = Log()
        self._unseen: _Taken | None = None

    @property
    def score(self) -> float | None:
        """Validation score of the weights that stay; None where there is none."""
        return self.progress.best if math.isfinite(self.progress.best) else None

    def run(self, what: str) -> Log:
        """Train to the end, leave the weights that stay in `objective.kept`, and return what was logged."""
        self._resume(what)
        first = self.progress.step // self.steps_per_epoch
        for epoch in range(first, self.epochs):
            if self.patience and 0 <= self.progress.best_epoch < epoch - self.patience:
                say(f"{what}: no better validation score for {self.patience} epochs, stopping after {epoch}")
                break
            self.train_epoch(epoch, what)
            self._close_epoch(epoch, what)
        self.objective.kept.load_state_dict(self.best)
        return self.log

    def train_epoch(self, epoch: int, what: str) -> None:
        """Take the epoch's steps that are not taken yet.

        Raises:
            TrainingError: a loss component or the gradient's norm is not finite.
        """
        first = epoch * self.steps_per_epoch
        todo = list(enumerate(self.objective.batches(epoch), first))[self.progress.step - first :]
        moments = ((rows, self._moment(epoch, step)) for step, rows in todo)
        batches = ahead(moments, lambda each: self.objective.prepare(*each), self.fabric.device)
        for (rows, moment), batch in track(batches, f"{what} {epoch + 1}/{self.epochs}", total=len(todo)):
            self._step(rows, moment, batch)
            last = self.progress.step == first + self.steps_per_epoch
            if not last and self.progress.step % self.settings.checkpoint_every_steps == 0:
                self._save()
        self._look()

    def _moment(self, epoch: int, step: int) -> Moment:
        return Moment(
            epoch=epoch,
            step=step,
            total_steps=self.schedule.total_steps,
            learning_rate=self.schedule.rate(step),
            generator=torch.Generator().manual_seed(self._seed(step)),
        )

    def _seed(self, step: int) -> int:
        return self.seed * 1_000_003 + step

    def _step(self, rows: list[int], moment: Moment, batch: Batch) -> None:
        objective = self.objective
        self.schedule.set(moment.step)
        torch.manual_seed(self._seed(moment.step))
        objective.module.train()
        with self.fabric.autocast():
            losses = objective.losses(batch, moment)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses["loss"])
        norm = torch.nn.utils.clip_grad_norm_(objective.module.parameters(), self.settings.clip_norm, foreach=True)
        objective.before_step(batch, moment, self.optimizer)
        self.optimizer.step()
        self.average.update(moment.step)
        values = {**losses, "gradient_norm": norm}
        known = {"learning_rate": moment.learning_rate} | objective.after_step(moment)
        stacked = self.log.add(moment.step, values, known)
        self._look()
        self._unseen = _Taken(moment.step, rows, list(values), stacked)
        self.progress.step += 1

    def _look(self) -> None:
        """Stop where the last step went wrong; before a checkpoint, so that none holds what came of it."""
        taken, self._unseen = self._unseen, None
        if taken is None:
            return
        finite = torch.isfinite(taken.values).tolist()
        if not all(finite):
            wrong = ", ".join(name for name, fine in zip(taken.names, finite, strict=True) if not fine)
            listed = ", ".join(self.objective.names(taken.rows)[:8])
            raise TrainingError(f"not finite at step {taken.step}: {wrong}; the batch held {listed}, ...")

    def _close_epoch(self, epoch: int, what: str) -> None:
        progress = self.progress
        row = self.log.close_epoch(epoch, self.steps_per_epoch)
        score = self.objective.validate(self.average.module)
        if score is not None:
            row["validation_auc"] = score
        if self.keep == "last" or score is None or score > progress.best:
            progress.best, progress.best_epoch = (score if score is not None else -math.inf), epoch
            self.best = self.average.snapshot()
        told = "" if score is None else f", validation AUC {score:.3f}"
        say(f"{what} {epoch + 1}/{self.epochs}: loss {row['loss']:.3f}{told}")
        self._save()

    def _save(self) -> None:
        self._look()
        groups = {"module": self.objective.module.state_dict(), "average": self.average.module.state_dict()}
        groups |= {"best": self.best, "objective": self.objective.state()}
        tensors = {f"{group}/{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{slot}": tensor for slot, tensor in slots.items()}
        progress = self.progress
        state = {"step": progress.step, "best": self.score, "best_epoch": progress.best_epoch}
        self.checkpoints.save(tensors, {**state, "log": self.log.state()})

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
        self.average.module.load_state_dict(groups["average"])
        self.objective.load_state(groups["objective"])
        self.best = groups["best"]
        self._load_optimizer(groups["optimizer"])
        best = -math.inf if state["best"] is None else state["best"]
        self.progress = _Progress(state["step"], best, state["best_epoch"])
        self.log.load_state(state["log"])
        say(f"{what}: continuing after step {state['step']} of {self.schedule.total_steps}")

    def _load_optimizer(self, tensors: dict[str, Tensor]) -> None:
        whole = self.optimizer.state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            index, _, slot = name.partition("/")
            slots.setdefault(int(index), {})[slot] = tensor
        self.optimizer.load_state_dict({**whole, "state": slots})
