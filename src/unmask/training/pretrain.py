"""SCL-KD stage 1: the encoder learns which crops are the same picture, without any label."""

import math
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor, nn

from unmask.config import Augment, Config
from unmask.data.loading import Crops
from unmask.files import replacing, write_json
from unmask.learning.contrast import MoCo
from unmask.models.encoders import create_encoder
from unmask.training.augment import augment, random_crop
from unmask.training.champion import find_champion
from unmask.training.checkpoint import Checkpoints, run_key, weights_files
from unmask.training.device import compile_encoders, make_fabric, roundings
from unmask.training.feeding import Batch, on_device
from unmask.training.folders import Folders, write_log
from unmask.training.log import Row
from unmask.training.loop import Loop, Moment
from unmask.training.methods import method_by_name, pretrains


class ContrastObjective:
    """Momentum contrast over all training crops, negatives of the same group masked (methods: 4.2, stage A)."""

    def __init__(
        self,
        fabric: Fabric,
        moco: MoCo,
        crops: Crops,
        *,
        size: int,
        augment: Augment,
        momenta: tuple[float, float],
        batch: int,
        seed: int,
    ) -> None:
        self.fabric, self.crops, self.size, self.settings = fabric, crops, size, augment
        self.momenta = momenta
        self.batch, self.seed = batch, seed
        self.module: MoCo = fabric.to_device(moco)
        self.kept: nn.Module = self.module.encoder

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Everything but the momentum branch."""
        return [{"params": [p for p in self.module.parameters() if p.requires_grad]}]

    def batches(self, epoch: int) -> list[list[int]]:
        """Whole batches of a fresh order."""
        order = torch.randperm(len(self.crops), generator=torch.Generator().manual_seed(self.seed * 7919 + epoch))
        return order[: len(order) // self.batch * self.batch].view(-1, self.batch).tolist()

    def prepare(self, rows: list[int], moment: Moment) -> Batch:
        """Two views of each picture and the groups."""
        query, key = (
            augment(
                self.fabric.to_device(random_crop(self.crops.windows, rows, self.size, moment.generator)),
                self.settings,
                moment.generator,
            )
            for _ in range(2)
        )
        return query, key, self.fabric.to_device(self.crops.group[rows])

    def losses(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """Cross-entropy of the positive against queue and batch."""
        start, end = self.momenta
        self.module.momentum = end - (end - start) * (1 + math.cos(math.pi * moment.progress)) / 2
        logits, target = self.module(*batch)
        return {"loss": nn.functional.cross_entropy(logits.float(), target)}

    def before_step(self, batch: Batch, moment: Moment, optimizer: torch.optim.Optimizer) -> None:
        """Nothing: the momentum branch follows within the forward pass."""

    def after_step(self, moment: Moment) -> Row:
        """Nothing to add."""
        return {}

    def validate(self, kept: nn.Module) -> float | None:
        """Nothing to choose by: no label is used here."""

    def names(self, rows: list[int]) -> list[str]:
        """Picture ids of a batch."""
        return [self.crops.image_id[row] for row in rows]

    def state(self) -> dict[str, Tensor]:
        """Queue and momentum branch belong to the module's state."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Nothing to take back."""


def pretrain(config: Config, folders: Folders, *, out: Path) -> str:
    """Train and write the encoder, or a marker where the method does not pre-train; returns the summary."""
    if why := _left_out(config, folders):
        write_json(out / "pretrain.json", {"used": False, "reason": why})
        return f"not used: {why}"
    section = config.pretrain
    torch.manual_seed(config.seed)
    fabric = make_fabric(config.scale)
    crops = on_device(folders.training_crops(config, unlabelled=True), fabric.device)
    moco = MoCo(
        lambda: create_encoder(config.encoder, size_px=config.preprocess.size_px),
        dim=section.contrast.dim,
        queue=section.contrast.queue,
        momentum=section.contrast.momentum,
        temperature=section.contrast.temperature,
    )
    compile_encoders(config.scale, moco)
    objective = ContrastObjective(
        fabric,
        moco,
        crops,
        size=config.preprocess.size_px,
        augment=config.augment,
        momenta=(section.contrast.momentum, section.contrast.final_momentum),
        batch=min(section.optimiser.batch_size, len(crops)),
        seed=config.seed,
    )
    settings = [config.seed, section, config.encoder, config.preprocess, config.augment, roundings(config.scale)]
    inputs = [*folders.inputs, *weights_files(config.encoder)]
    checkpoints = Checkpoints("pretrain", run_key(settings, inputs))
    loop = Loop(
        fabric,
        objective,
        section.optimiser,
        epochs=section.epochs,
        patience=0,
        seed=config.seed,
        checkpoints=checkpoints,
    )
    log = loop.run("pretrain")
    with replacing(out / "encoder.safetensors") as temporary:
        save_file({name: tensor.cpu().contiguous() for name, tensor in objective.kept.state_dict().items()}, temporary)
    write_log(out, log)
    final = log.history[-1]["loss"]
    write_json(out / "pretrain.json", {"used": True, "crops": len(crops), "final_loss": final})
    checkpoints.clear()
    return f"{len(crops):,} crops, {len(log.history)} epochs, contrastive loss {final:.3f}"


def _left_out(config: Config, folders: Folders) -> str:
    """Why there is no contrast; "" where there is.

    An encoder that goes on learning would be moved away from its head by a fresh projection and an empty queue.
    """
    method = method_by_name(config.method)
    if not pretrains(method, config.encoder):
        return (
            f"method {config.method} {f'keeps {config.encoder.weights}' if method.contrast else 'does not pre-train'}"
        )
    champion = find_champion(config.warm_start, folders.champion, folders.dataset)
    return f"training goes on from {champion.version}" if champion else ""
