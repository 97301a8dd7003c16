"""The teacher: joint embedding, legal-state marginals, bi-level level weights, real-only adversary (methods: 6.2)."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn

from unmask.config import Config, Teach
from unmask.data.loading import Crops
from unmask.files import read_json
from unmask.learning.adversary import DomainAdversary, Position, adversary_loss, ramp
from unmask.learning.bilevel import AutoLambda, Mode
from unmask.models.detector import Detector, DetectorSpec, create_detector, detector_spec
from unmask.models.trainable import set_trainable
from unmask.training.checkpoint import Checkpoints, run_key, weights_files
from unmask.training.device import compile_encoders, make_fabric, roundings
from unmask.training.feeding import Batch, on_device
from unmask.training.folders import Folders, told, write_detector
from unmask.training.log import Row
from unmask.training.loop import Loop, Moment
from unmask.training.methods import Method, method_by_name
from unmask.training.replay import Draw, Replay
from unmask.training.supervised import (
    LEVELS,
    balanced_batches,
    domain_batches,
    pictures_and_labels,
    supervised_levels,
    validation_auc,
)
from unmask.training.warm import Start, find_start


class TeachObjective:
    """Weighted level losses of the labelled crops plus the domain loss of the real ones."""

    def __init__(
        self,
        fabric: Fabric,
        detector: Detector,
        crops: Crops,
        validation: Crops,
        config: Config,
        *,
        replay: Replay | None = None,
    ) -> None:
        self.fabric, self.crops, self.validation, self.config = fabric, crops, validation, config
        self.method: Method = method_by_name(config.method)
        draw: Draw = domain_batches if self.method.adversary else balanced_batches
        self.draw = replay.around(draw) if replay else draw
        section = config.teach
        domains = int(crops.domain.max()) + 1
        adversary = DomainAdversary(
            detector.embed_dim, n_domains=max(2, domains), position=cast("Position", section.adversary.position)
        )
        self.module = fabric.to_device(nn.ModuleDict({"detector": detector, "adversary": adversary}))
        self.kept: Detector = detector
        self.weights = AutoLambda(
            tasks=LEVELS,
            primary=LEVELS[:1],
            lr=section.bilevel.learning_rate,
            every=section.bilevel.every,
            fd_radius=section.bilevel.radius,
            mode=cast("Mode", section.bilevel.mode),
            normalise=section.bilevel.normalise,
        )
        self._second: tuple[int, list[list[int]]] = (-1, [])

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Weights that are trained, without decay on biases and norms; text tower and encoder at their own rates.

        At the full rate a from-scratch text tower moves the targets faster than the encoder can follow, and a
        pre-trained encoder forgets what it learnt.
        """
        section = self.config.teach
        set_trainable(self.kept.encoder, "none" if self.method.frozen else section.trainable)
        rate = section.optimiser.learning_rate
        shares = {"encoder": section.encoder_rate, "text": section.text_rate, "": 1.0}
        parts: dict[str, list[nn.Parameter]] = {part: [] for part in shares}
        for name, weight in self.module.named_parameters():
            if weight.requires_grad:
                parts[_part(name)].append(weight)
        groups = []
        for part, weights in parts.items():
            share = {"lr": rate * shares[part]}
            groups.append({**share, "params": [weight for weight in weights if weight.ndim > 1]})
            groups.append({**share, "params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0})
        return [group for group in groups if group["params"]]

    def batches(self, epoch: int) -> list[list[int]]:
        """Half real, half fake; for the adversary with equal shares of the domains in each half."""
        return self.draw(self.crops, self.config.teach.optimiser.batch_size, seed=self.config.seed, epoch=epoch)

    def prepare(self, rows: list[int], moment: Moment) -> Batch:
        """Pictures, labels, which are known; real and domain; where the level weights move, another labelled batch.

        The generator draws for the step's own batch first.
        """
        crops = self.crops
        batch: Batch = pictures_and_labels(self.fabric, crops, rows, self.config, moment.generator)
        batch += tuple(self.fabric.to_device(column[rows]) for column in (crops.real, crops.domain))
        if self._moves_weights(moment):
            order = self._auxiliary(moment.epoch)
            others = order[moment.step % len(order)]
            batch += pictures_and_labels(self.fabric, crops, others, self.config, moment.generator)
        return batch

    def _moves_weights(self, moment: Moment) -> bool:
        return self.method.bilevel and self.weights.due(moment.step)

    def _auxiliary(self, epoch: int) -> list[list[int]]:
        """Batches of the same rows in a second order; drawn once an epoch."""
        if self._second[0] != epoch:
            self._second = epoch, self.batches(epoch + 100_003)
        return self._second[1]

    def _levels(self, detector: nn.Module, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
        pictures, target, known = batch[:3]
        output = detector(pictures)
        section = self.config.teach
        warm = not self.method.fidelity or epoch < section.bce_epochs
        mix = 1.0 if warm else section.bce_mix
        return supervised_levels(output.marginals, target, known, self.kept.graph, cross_entropy=mix), output.embedding

    def before_step(self, batch: Batch, moment: Moment, optimizer: torch.optim.Optimizer) -> None:
        """Bi-level update of the level weights, on the step's batch and the auxiliary one (methods: 1.9)."""
        if not self._moves_weights(moment):
            return

        def task_losses(detector: nn.Module, part: Batch) -> Tensor:
            return self._levels(detector, part, moment.epoch)[0]

        # What bf16 would round away is computed in float32 even so. Forward mode has no rule for compiled code.
        with self.fabric.autocast(), torch.compiler.set_stance("force_eager"):
            self.weights.step(self.kept, task_losses, batch, batch[5:], optimizer)

    def losses(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """Level losses, their weighted sum, and the adversary outside the bi-level weights."""
        levels, embedding = self._levels(self.kept, batch, moment.epoch)
        total = self.weights.combine(levels) if self.method.bilevel else levels.sum()
        named = dict(zip(LEVELS, levels.detach(), strict=True))
        if self.method.adversary:
            settings = self.config.teach.adversary
            strength = ramp(moment.progress) if settings.ramp else 1.0
            real, domain = batch[3:5]
            adversary = cast("DomainAdversary", self.module["adversary"])
            named["domain"] = adversary_loss(adversary, embedding.float(), real, domain=domain, coef=strength)
            total = total + settings.weight * named["domain"]
        return {**named, "loss": total}

    def after_step(self, moment: Moment) -> Row:
        """The level weights, for the log."""
        return {f"weight_{level}": float(value) for level, value in zip(LEVELS, self.weights.weights, strict=True)}

    def validate(self, kept: nn.Module) -> float | None:
        """AUC on validation groups."""
        return validation_auc(self.fabric, kept, self.validation, self.config.preprocess.size_px)

    def names(self, rows: list[int]) -> list[str]:
        """Picture ids of a batch."""
        return [self.crops.image_id[row] for row in rows]

    def state(self) -> dict[str, Tensor]:
        """Level weights and their optimiser."""
        return self.weights.state_dict()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` gave."""
        self.weights.load_state_dict(state)


def _part(name: str) -> str:
    if ".sentences." in name:
        return "text"
    return "encoder" if name.startswith("detector.encoder.") else ""


def teacher_spec(config: Config) -> DetectorSpec:
    """What the teacher is built of: the encoder of pretrain and teach with the method's head."""
    method = method_by_name(config.method)
    return detector_spec(
        encoder=config.encoder,
        head=method.head,
        labels=config.labels,
        attributes=method.attributes,
        text=config.teach.text,
        preprocess=config.preprocess,
    )


def teach(config: Config, folders: Folders, *, out: Path) -> str:
    """Train the teacher on the labelled crops and write it; returns the summary."""
    start = find_start(config, folders)
    config = replace(config, teach=_shortened(config.teach, start)) if start else config
    section = config.teach
    torch.manual_seed(config.seed)
    fabric = make_fabric(config.scale)
    crops = on_device(folders.training_crops(config, unlabelled=False), fabric.device)
    validation = on_device(folders.validation_crops(config), fabric.device)
    detector = create_detector(teacher_spec(config))
    inputs = [*folders.inputs, *_load_start(detector, start, config, folders)]
    compile_encoders(config.scale, detector)
    replay = start.replay if start else None
    objective = TeachObjective(fabric, detector, crops, validation, config, replay=replay)
    inputs += weights_files(config.encoder, section.text)
    settings = [config.seed, config.method, section, config.encoder, config.labels, config.preprocess, config.augment]
    settings += [roundings(config.scale), *([start.settings] if start else [])]
    checkpoints = Checkpoints("teach", run_key(settings, inputs))
    loop = Loop(
        fabric,
        objective,
        section.optimiser,
        epochs=section.epochs,
        patience=section.patience,
        seed=config.seed,
        checkpoints=checkpoints,
        keep="last" if start else "best",
    )
    log = loop.run("teach")
    write_detector(out, objective.kept, log, score=loop.score, champion=start.champion.version if start else "")
    checkpoints.clear()
    begun = f" from {start.champion.version}" if start else ""
    return f"{len(crops):,} labelled crops, {len(log.history)} epochs{begun}, validation AUC {told(loop.score)}"


def _shortened(section: Teach, start: Start) -> Teach:
    return replace(start.shorten(section), bce_epochs=start.share(section.bce_epochs))


def _load_start(detector: Detector, start: Start | None, config: Config, folders: Folders) -> list[Path]:
    """Load the weights that training goes on from, and return their files."""
    if start:
        return [start.load("teacher", detector)]
    if method_by_name(config.method).contrast and read_json(folders.pretrain / "pretrain.json")["used"]:
        weights = folders.pretrain / "encoder.safetensors"
        detector.encoder.load_state_dict(load_file(weights))
        return [weights]
    return []
