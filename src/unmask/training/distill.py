"""The compact student: supervised levels on labelled crops, distillation over legal states on all (methods: 4.2, C)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from unmask.config import Config
from unmask.data.loading import Crops
from unmask.learning.distillation import freeze, kd_loss, mix_losses
from unmask.models.detector import Detector, DetectorSpec, create_detector, detector_spec, load_detector
from unmask.training.checkpoint import Checkpoints, run_key, weights_files
from unmask.training.device import compile_encoders, make_fabric, roundings
from unmask.training.feeding import Batch, on_device
from unmask.training.folders import Folders, told, write_detector
from unmask.training.log import Row
from unmask.training.loop import Loop, Moment
from unmask.training.methods import method_by_name
from unmask.training.replay import Draw, Replay
from unmask.training.supervised import (
    LEVELS,
    balanced_batches,
    pictures_and_labels,
    supervised_levels,
    validation_auc,
)
from unmask.training.warm import find_start


class DistillObjective:
    """L = (1 - mix) L_supervised(labelled) + mix T^2 KL(teacher || student) over legal states, on every crop."""

    def __init__(
        self,
        fabric: Fabric,
        student: Detector,
        teacher: Detector,
        *,
        crops: Crops,
        validation: Crops,
        config: Config,
        replay: Replay | None = None,
    ) -> None:
        self.fabric, self.crops, self.validation, self.config = fabric, crops, validation, config
        self.method = method_by_name(config.method)
        self.draw: Draw = replay.around(balanced_batches) if replay else balanced_batches
        self.mix = config.distill.mix if self.method.distil else 0.0
        self.teacher = freeze(fabric.to_device(teacher))
        self.module = self.kept = fabric.to_device(student)
        self.unlabelled = torch.nonzero(~crops.real & ~crops.fake).flatten()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All weights of the student; biases and norms without decay."""
        parameters = list(self.module.parameters())
        decayed = [parameter for parameter in parameters if parameter.ndim > 1]
        plain = [parameter for parameter in parameters if parameter.ndim <= 1]
        return [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]

    def batches(self, epoch: int) -> list[list[int]]:
        """Balanced labelled rows first, then the unlabelled share."""
        section = self.config.distill
        extra = section.unlabelled_per_labelled if self.mix and len(self.unlabelled) else 0
        labelled = section.optimiser.batch_size // (1 + extra)
        batches = self.draw(self.crops, labelled, seed=self.config.seed + 1, epoch=epoch)
        if not extra:
            return batches
        generator = torch.Generator().manual_seed(self.config.seed * 104_729 + epoch)
        needed = extra * labelled * len(batches)
        rounds = -(-needed // len(self.unlabelled))
        orders = [torch.randperm(len(self.unlabelled), generator=generator) for _ in range(rounds)]
        drawn = self.unlabelled[torch.cat(orders)].tolist()
        share = extra * labelled
        return [batch + drawn[n * share : (n + 1) * share] for n, batch in enumerate(batches)]

    def prepare(self, rows: list[int], moment: Moment) -> Batch:
        """Pictures, label vectors and which of them are known."""
        return pictures_and_labels(self.fabric, self.crops, rows, self.config, moment.generator)

    def losses(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """Supervised and distillation terms and their mix."""
        config = self.config
        pictures, target, known = batch
        output = self.module(pictures)
        share = config.teach.bce_mix if self.method.fidelity and self.mix else 1.0
        levels = supervised_levels(output.marginals, target, known, self.kept.graph, cross_entropy=share)
        named = dict(zip(LEVELS, levels.detach(), strict=True))
        total = levels.sum()
        if self.mix:
            with torch.no_grad():
                taught = self.teacher(pictures).scores.float()
            temperature = config.distill.temperature
            named["distillation"] = kd_loss(output.scores.float(), taught, self.kept.states, temperature=temperature)
            total = mix_losses(total, named["distillation"], self.mix)
        return {**named, "loss": total}

    def before_step(self, batch: Batch, moment: Moment, optimizer: torch.optim.Optimizer) -> None:
        """Nothing: the mix is fixed."""

    def after_step(self, moment: Moment) -> Row:
        """Nothing to add."""
        return {}

    def validate(self, kept: nn.Module) -> float | None:
        """AUC on validation groups."""
        return validation_auc(self.fabric, kept, self.validation, self.config.preprocess.size_px)

    def names(self, rows: list[int]) -> list[str]:
        """Picture ids of a batch."""
        return [self.crops.image_id[row] for row in rows]

    def state(self) -> dict[str, Tensor]:
        """The teacher does not change."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Nothing to take back."""


def student_spec(config: Config) -> DetectorSpec:
    """What the student is built of: an encoder of its own with a linear head, which needs no text tower in service."""
    return detector_spec(
        encoder=config.distill.encoder,
        head="linear",
        labels=config.labels,
        attributes=method_by_name(config.method).attributes,
        text=config.teach.text,
        preprocess=config.preprocess,
    )


def distill(config: Config, folders: Folders, *, out: Path) -> str:
    """Train the student and write it; returns the summary."""
    start = find_start(config, folders)
    config = replace(config, distill=start.shorten(config.distill)) if start else config
    section = config.distill
    method = method_by_name(config.method)
    torch.manual_seed(config.seed + 1)
    fabric = make_fabric(config.scale)
    crops = on_device(folders.training_crops(config, unlabelled=method.distil), fabric.device)
    validation = on_device(folders.validation_crops(config), fabric.device)
    student = create_detector(student_spec(config))
    begun = [start.load("student", student)] if start else []
    teacher = load_detector(folders.teacher)
    compile_encoders(config.scale, student, teacher)
    replay = start.replay if start else None
    objective = DistillObjective(
        fabric, student, teacher, crops=crops, validation=validation, config=config, replay=replay
    )
    settings = [config.seed, config.method, section, config.teach.bce_mix, config.labels, config.preprocess]
    inputs = [*folders.inputs, folders.teacher / "model.safetensors", *weights_files(section.encoder), *begun]
    settings += [config.augment, roundings(config.scale), *([start.settings] if start else [])]
    checkpoints = Checkpoints("distill", run_key(settings, inputs))
    loop = Loop(
        fabric,
        objective,
        section.optimiser,
        epochs=section.epochs,
        patience=section.patience,
        seed=config.seed + 1,
        checkpoints=checkpoints,
        keep="last" if start else "best",
    )
    log = loop.run("distill")
    write_detector(out, student, log, score=loop.score, champion=start.champion.version if start else "")
    checkpoints.clear()
    share = "from the teacher" if method.distil else "from labels alone"
    share += f" and {start.champion.version}" if start else ""
    return f"{len(crops):,} crops, {len(log.history)} epochs {share}, validation AUC {told(loop.score)}"
