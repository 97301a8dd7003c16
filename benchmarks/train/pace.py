"""A stage's loop against its floor: the same objective's forward and backward on a batch that is there already.

The floor has no augmentation, optimiser, clipping, average or log; for pretrain it has the momentum branch, for distill
the teacher's forward. Bi-level steps of teach are left to their own lines.
"""

import dataclasses
import time
from collections.abc import Callable
from statistics import median

import torch
from lightning.fabric import Fabric

from benchmarks.data.table import Row
from benchmarks.train.stages import NEVER, STAGES
from unmask.config import Config
from unmask.training.checkpoint import Checkpoints
from unmask.training.feeding import Batch
from unmask.training.loop import Loop, Moment, Objective


def loop_against_floor(stage: str, fabric: Fabric, config: Config, *, steps: int, rounds: int) -> Row:
    """Pictures a second of both, rounds taking turns."""
    bilevel = dataclasses.replace(config.teach.bilevel, every=NEVER)
    config = dataclasses.replace(config, teach=dataclasses.replace(config.teach, bilevel=bilevel))
    torch.manual_seed(config.seed)
    objective, optimiser = STAGES[stage](fabric, config, steps)
    loop = Loop(
        fabric,
        objective,
        dataclasses.replace(optimiser, checkpoint_every_steps=NEVER),
        epochs=rounds + 1,
        patience=0,
        seed=config.seed,
        checkpoints=Checkpoints("benchmark", stage),
    )
    moment = moment_at(1, rounds * steps, config.seed)
    batch = objective.prepare(objective.batches(0)[0], moment)
    seconds = alternate(
        {
            "ours": lambda turn: loop.train_epoch(turn, stage),
            "floor": lambda _: [forward_backward(fabric, objective, batch, moment) for _ in range(steps)],
        },
        fabric.device,
        rounds,
    )
    ours, floor = (steps * optimiser.batch_size / seconds[side] for side in ("ours", "floor"))
    aim = "0.90" if fabric.device.type == "cuda" else "0.95"
    note = f"batches of {optimiser.batch_size}, {config.preprocess.size_px} px, {describe(fabric)}"
    return Row(f"{stage} / its forward and backward", f"{ours:.0f} /s", f"{floor:.0f} /s", ours / floor, aim, note)


def moment_at(step: int, total_steps: int, seed: int) -> Moment:
    """A moment of a run without a loop."""
    generator = torch.Generator().manual_seed(seed)
    return Moment(epoch=0, step=step, total_steps=total_steps, learning_rate=1e-3, generator=generator)


def forward_backward(fabric: Fabric, objective: Objective, batch: Batch, moment: Moment) -> None:
    """One forward and backward pass; gradients stay until the next."""
    objective.module.train()
    objective.module.zero_grad(set_to_none=True)
    with fabric.autocast():
        losses = objective.losses(batch, moment)
    fabric.backward(losses["loss"])


def alternate(sides: dict[str, Callable[[int], object]], device: torch.device, rounds: int) -> dict[str, float]:
    """Median seconds of each side's turn; a first turn of each warms up and does not count."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side(turn)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken[name].append(time.perf_counter() - start)
    return {name: median(several[1:]) for name, several in taken.items()}


def describe(fabric: Fabric) -> str:
    """Device and precision in words."""
    cuda = fabric.device.type == "cuda"
    where = torch.cuda.get_device_name(fabric.device) if cuda else f"CPU, {torch.get_num_threads()} threads"
    return f"{where}, {fabric._precision.precision}"
