"""What a step with an update of the level weights costs, in plain steps of the same objective and batch."""

import dataclasses

import torch
from lightning.fabric import Fabric

from benchmarks.data.table import Row
from benchmarks.train.pace import alternate, describe, forward_backward, moment_at
from benchmarks.train.stages import create_teach
from unmask.config import Config
from unmask.training.teach import TeachObjective

SPARSE = 5
AIMS = {"finite": "under 2.7", "exact": "under 3.3"}


def cost(fabric: Fabric, config: Config, *, steps: int, rounds: int) -> list[Row]:
    """A step with an update, exact and finite, and one with an update in five, against a step without."""
    moment = moment_at(0, steps, config.seed)
    sides, objectives = {}, {mode: _objective(fabric, config, mode) for mode in AIMS}
    plain = objectives["finite"]
    batch = plain.prepare(plain.batches(0)[0], moment)
    optimizers = {
        mode: torch.optim.AdamW(each.parameter_groups(), lr=1e-3, fused=True) for mode, each in objectives.items()
    }

    def step(_: int) -> None:
        forward_backward(fabric, plain, batch, moment)
        optimizers["finite"].step()

    sides["plain"] = step
    for mode, objective in objectives.items():
        objective.module.train()
        forward_backward(fabric, objective, batch, moment)  # an update takes the gradients of the step at hand
        sides[mode] = lambda _, mode=mode, each=objective: each.before_step(batch, moment, optimizers[mode])
    seconds = alternate(sides, fabric.device, rounds)
    rows = [
        _row(f"bi-level step, {mode}", seconds["plain"] + seconds[mode], seconds["plain"], aim, fabric)
        for mode, aim in AIMS.items()
    ]
    sparse = seconds["plain"] + seconds["finite"] / SPARSE
    return [*rows, _row(f"bi-level step, finite, every {SPARSE}", sparse, seconds["plain"], "under 1.5", fabric)]


def _objective(fabric: Fabric, config: Config, mode: str) -> TeachObjective:
    bilevel = dataclasses.replace(config.teach.bilevel, mode=mode, every=1)
    config = dataclasses.replace(config, teach=dataclasses.replace(config.teach, bilevel=bilevel), method="full")
    return create_teach(fabric, config, 2)[0]


def _row(what: str, ours: float, plain: float, aim: str, fabric: Fabric) -> Row:
    return Row(
        f"{what} / plain step", f"{1e3 * ours:.0f} ms", f"{1e3 * plain:.0f} ms", ours / plain, aim, describe(fabric)
    )
