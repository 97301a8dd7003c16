"""What teacher and contrast do between steps: level weights, the kept average, momentum, the same curve again."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file

from tests.datasets import checkered, row, write_dataset
from unmask.config import Config, load_config
from unmask.learning.contrast import MoCo
from unmask.models.detector import create_detector
from unmask.models.encoders import create_encoder
from unmask.training.folders import Folders
from unmask.training.loop import Loop, Moment
from unmask.training.pretrain import ContrastObjective
from unmask.training.teach import TeachObjective, teach, teacher_spec

SMALL = [
    "method=sjedd",
    "preprocess.size_px=20",
    "preprocess.window_px=24",
    "encoder.args={}",
    "scale.device=cpu",
    "scale.precision=fp32",
    "teach.epochs=2",
    "teach.optimiser.batch_size=8",
]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    monkeypatch.chdir(tmp_path)
    rows = [row(n, label="real" if n % 2 else "fake", split="train", labelled=True) for n in range(32)]
    rows += [row(n, label="real" if n % 2 else "fake", split="val", labelled=True) for n in range(32, 48)]
    dataset, expanded = write_dataset(tmp_path, rows, checkered, n_labels=10)
    return Folders(dataset=dataset, expanded=expanded, pretrain=tmp_path / "pretrain", teacher=tmp_path / "teacher")


@pytest.fixture
def config(project: Path, request: pytest.FixtureRequest) -> Config:
    return load_config(project, [*SMALL, *getattr(request, "param", ())])


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("config", [["teach.bilevel.every=3"]], indirect=True)
def test_the_level_weights_move_at_every_kth_step_and_at_no_other(
    config: Config, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U-H7."""
    seen: list[list[float]] = [[1.0, 1.0, 1.0]]
    noted = TeachObjective.after_step

    def note(self: TeachObjective, moment: Moment) -> dict[str, float]:
        seen.append(self.weights.weights.tolist())
        return noted(self, moment)

    monkeypatch.setattr(TeachObjective, "after_step", note)
    teach(config, folders, out=folders.teacher)
    moved = [step for step, (before, after) in enumerate(pairwise(seen)) if before != after]
    assert moved == list(range(0, len(seen) - 1, 3))


def test_the_same_seed_gives_the_same_curve(config: Config, folders: Folders) -> None:
    """U-E6."""
    first, second = folders.teacher, folders.teacher.with_name("again")
    for out in (first, second):
        teach(config, folders, out=out)
    assert curve(first) == curve(second)


def test_another_seed_gives_another_curve(config: Config, folders: Folders) -> None:
    first, second = folders.teacher, folders.teacher.with_name("again")
    teach(config, folders, out=first)
    config.seed += 1
    teach(config, folders, out=second)
    assert curve(first) != curve(second)


@pytest.mark.parametrize("config", [["teach.optimiser.ema_decay=0.9"]], indirect=True)
def test_the_teacher_that_is_written_is_the_average_of_its_best_epoch(
    config: Config, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    averages: list[dict[str, torch.Tensor]] = []
    last: list[dict[str, torch.Tensor]] = []
    close = Loop._close_epoch

    def note(self: Loop, epoch: int, what: str) -> None:
        averages.append({name: value.clone() for name, value in self.average.module.state_dict().items()})
        last.append({name: value.clone() for name, value in self.objective.kept.state_dict().items()})
        close(self, epoch, what)

    monkeypatch.setattr(Loop, "_close_epoch", note)
    teach(config, folders, out=folders.teacher)
    scores = [float(each["validation_auc"]) for each in curve(folders.teacher)]
    best = scores.index(max(scores))
    written = load_file(folders.teacher / "model.safetensors")
    assert all(torch.equal(written[name], averages[best][name]) for name in written)
    assert any(not torch.equal(written[name], last[best][name]) for name in written)


@pytest.mark.parametrize("config", [["teach.encoder_rate=0.5", "teach.text_rate=0.1"]], indirect=True)
def test_text_tower_and_encoder_learn_at_their_own_rates(config: Config, folders: Folders) -> None:
    crops = folders.training_crops(config, unlabelled=False)
    taught = TeachObjective(Fabric(accelerator="cpu"), create_detector(teacher_spec(config)), crops, crops, config)
    full = config.teach.optimiser.learning_rate
    rates = {id(weight): group["lr"] / full for group in taught.parameter_groups() for weight in group["params"]}
    for name, weight in taught.module.named_parameters():
        slow = 0.1 if ".sentences." in name else 0.5 if ".encoder." in name else 1.0
        assert rates[id(weight)] == pytest.approx(slow), name


@pytest.fixture
def contrast(config: Config, folders: Folders) -> ContrastObjective:
    settings = config.pretrain.contrast
    moco = MoCo(
        lambda: create_encoder(config.encoder),
        dim=settings.dim,
        queue=16,
        momentum=settings.momentum,
        temperature=settings.temperature,
    )
    return ContrastObjective(
        Fabric(accelerator="cpu", devices=1, precision="32-true"),
        moco,
        folders.training_crops(config, unlabelled=True),
        size=20,
        augment=config.augment,
        momenta=(0.99, 0.999),
        batch=8,
        seed=1,
    )


def test_the_key_branch_is_no_part_of_the_optimiser(contrast: ContrastObjective) -> None:
    """U-M1."""
    moco = contrast.module
    stepped = {id(weight) for group in contrast.parameter_groups() for weight in group["params"]}
    assert stepped == {id(weight) for part in (moco.encoder, moco.head) for weight in part.parameters()}


@pytest.mark.parametrize(("step", "momentum"), [(0, 0.99), (50, 0.9945), (100, 0.999)])
def test_momentum_grows_along_a_cosine(contrast: ContrastObjective, step: int, momentum: float) -> None:
    moment = Moment(
        epoch=0, step=step, total_steps=100, learning_rate=1e-3, generator=torch.Generator().manual_seed(step)
    )
    contrast.losses(contrast.prepare(list(range(8)), moment), moment)
    assert contrast.module.momentum == pytest.approx(momentum, abs=1e-9)
