"""The objective of each training stage on drawn windows, as the stage itself builds it."""

import dataclasses
from collections.abc import Callable

import torch
from lightning.fabric import Fabric
from torch.nn.functional import interpolate

from unmask.config import Config, Optimiser
from unmask.data.loading import Crops
from unmask.labels.graph import graph_by_name
from unmask.learning.contrast import MoCo
from unmask.models.detector import create_detector
from unmask.models.encoders import create_encoder
from unmask.training.device import compile_encoders
from unmask.training.distill import DistillObjective, student_spec
from unmask.training.feeding import on_device
from unmask.training.loop import Objective
from unmask.training.pretrain import ContrastObjective
from unmask.training.teach import TeachObjective, teacher_spec

NEVER = 10**9


def draw_crops(config: Config, count: int, labelled: float) -> Crops:
    """COUNT windows of smooth colour with noise; half of the labelled ones are fakes with every label set."""
    generator = torch.Generator().manual_seed(config.seed)
    side = config.preprocess.window_px
    coarse = torch.rand(count, 3, 12, 12, generator=generator)
    noise = torch.randn(count, 3, side, side, generator=generator)
    windows = interpolate(coarse, (side, side), mode="bicubic") + 0.02 * noise
    seen = torch.arange(count) < labelled * count
    fake = seen & (torch.arange(count) % 2 == 0)
    width = len(graph_by_name(config.labels.graph, config.labels.allow_bare_root))
    return Crops(
        image_id=[f"{n:016x}" for n in range(count)],
        windows=windows.clamp_(0, 1).mul_(255).to(torch.uint8),
        target=fake.float()[:, None].expand(-1, width).contiguous(),
        known=seen.float()[:, None].expand(-1, width).contiguous(),
        real=seen & ~fake,
        fake=fake,
        reported=torch.zeros_like(fake),
        domain=torch.arange(count) % 4,
        group=torch.arange(count),
    )


def create_pretrain(fabric: Fabric, config: Config, steps: int) -> tuple[Objective, Optimiser]:
    """Momentum contrast on crops without labels."""
    section = config.pretrain
    size, batch = config.preprocess.size_px, section.optimiser.batch_size
    settings = dataclasses.asdict(section.contrast)
    momenta = settings["momentum"], settings.pop("final_momentum")
    moco = MoCo(lambda: create_encoder(config.encoder, size_px=size), **settings)
    compile_encoders(config.scale, moco)
    crops = on_device(draw_crops(config, steps * batch, 0.0), fabric.device)
    objective = ContrastObjective(
        fabric,
        moco,
        crops,
        size=size,
        augment=config.augment,
        momenta=momenta,
        batch=batch,
        seed=config.seed,
    )
    return objective, section.optimiser


def create_teach(fabric: Fabric, config: Config, steps: int) -> tuple[TeachObjective, Optimiser]:
    """The teacher's objective with cross-entropy and fidelity together, as most epochs have them."""
    section = dataclasses.replace(config.teach, bce_epochs=0)
    config = dataclasses.replace(config, teach=section)
    detector = create_detector(teacher_spec(config))
    compile_encoders(config.scale, detector)
    crops = on_device(draw_crops(config, steps * section.optimiser.batch_size, 1.0), fabric.device)
    return TeachObjective(fabric, detector, crops, crops, config), section.optimiser


def create_distill(fabric: Fabric, config: Config, steps: int) -> tuple[Objective, Optimiser]:
    """A student of an untrained teacher, on labelled and unlabelled crops."""
    section = config.distill
    student, teacher = create_detector(student_spec(config)), create_detector(teacher_spec(config))
    compile_encoders(config.scale, student, teacher)
    share = 1 / (1 + section.unlabelled_per_labelled)
    crops = on_device(draw_crops(config, steps * section.optimiser.batch_size, share), fabric.device)
    objective = DistillObjective(fabric, student, teacher, crops=crops, validation=crops, config=config)
    return objective, section.optimiser


# Each gives the objective with STEPS batches an epoch, and the stage's optimiser settings.
Build = Callable[[Fabric, Config, int], tuple[Objective, Optimiser]]
STAGES: dict[str, Build] = {"pretrain": create_pretrain, "teach": create_teach, "distill": create_distill}
