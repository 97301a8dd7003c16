"""The loop ends with the same weights whether or not it was interrupted, and stops on a loss that is not finite."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn

from unmask.config import Optimiser
from unmask.errors import TrainingError
from unmask.training.checkpoint import Checkpoints
from unmask.training.loop import Loop, Moment

Keep = Literal["best", "last"]

SETTINGS = Optimiser(
    batch_size=4,
    learning_rate=0.05,
    weight_decay=0.01,
    warmup_fraction=0.1,
    clip_norm=1.0,
    ema_decay=0.9,
    checkpoint_every_steps=2,
)


class Regression:
    """A linear net with batch norm, dropout and noise, so that order, buffers and generators all matter."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = self.kept = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.inputs = torch.randn(24, 3)
        self.kill_at: int | None = None
        self.poison_at: int | None = None
        self.extra = torch.zeros(1)

    def parameter_groups(self):
        return [{"params": list(self.module.parameters())}]

    def batches(self, epoch):
        order = torch.randperm(24, generator=torch.Generator().manual_seed(epoch))
        return order.view(-1, 4).tolist()

    def prepare(self, rows, moment: Moment):
        noise = torch.randn(4, 3, generator=moment.generator)
        return self.inputs[rows] + 0.1 * noise, self.inputs[rows].sum(1, keepdim=True)

    def losses(self, batch, moment: Moment):
        if moment.step == self.kill_at:
            raise KeyboardInterrupt
        inputs, target = batch
        loss = (self.module(inputs) - target).square().mean()
        return {"loss": loss * float("nan") if moment.step == self.poison_at else loss}

    def before_step(self, batch, moment, optimizer):
        self.extra += moment.learning_rate

    def after_step(self, moment):
        return {"extra": float(self.extra)}

    def validate(self, kept):
        with torch.no_grad():
            return -float((kept(self.inputs) - self.inputs.sum(1, keepdim=True)).square().mean())

    def names(self, rows):
        return [f"picture-{row}" for row in rows]

    def state(self):
        return {"extra": self.extra}

    def load_state(self, state):
        self.extra = state["extra"].clone()


def loop_for(
    objective: Regression, *, epochs: int = 4, patience: int = 0, keep: Literal["best", "last"] = "best"
) -> Loop:
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    checkpoints = Checkpoints("test", "key")
    settings = {"epochs": epochs, "patience": patience, "seed": 5, "keep": keep}
    return Loop(fabric, objective, SETTINGS, checkpoints=checkpoints, **settings)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("killed_at", [1, 3, 6, 15])
def test_interrupted_run_ends_like_an_uninterrupted_one(killed_at: int) -> None:
    whole = Regression()
    expected = loop_for(whole).run("whole")
    Checkpoints("test", "key").clear()
    first = Regression()
    first.kill_at = killed_at
    with pytest.raises(KeyboardInterrupt):
        loop_for(first).run("first")
    second = Regression()
    history = loop_for(second).run("second")
    assert history.history == expected.history
    assert history.steps == expected.steps
    for name, tensor in whole.kept.state_dict().items():
        assert torch.equal(tensor, second.kept.state_dict()[name]), name


@pytest.mark.parametrize(("keep", "epoch"), [("best", 1), ("last", 3)])
def test_the_epoch_that_is_asked_for_is_kept(keep: Keep, epoch: int) -> None:
    objective = Regression()
    scores = iter([0.1, 0.9, 0.5, 0.4])
    kept = []

    def validate(average):
        kept.append({name: tensor.clone() for name, tensor in average.state_dict().items()})
        return next(scores)

    objective.validate = validate
    loop = loop_for(objective, keep=keep)
    loop.run("kept")
    assert loop.score == [0.1, 0.9, 0.5, 0.4][epoch]
    for name, tensor in objective.kept.state_dict().items():
        assert torch.equal(tensor, kept[epoch][name])


def test_patience_stops_early() -> None:
    objective = Regression()
    objective.validate = lambda kept: 0.5
    assert len(loop_for(objective, epochs=9, patience=2).run("stalled").history) == 3


def test_a_loss_that_is_not_finite_names_step_and_pictures() -> None:
    objective = Regression()
    objective.poison_at = 7
    with pytest.raises(TrainingError, match=r"step 7.*picture-\d+"):
        loop_for(objective).run("poisoned")


def test_a_gradient_that_is_not_finite_names_step_and_pictures() -> None:
    objective = Regression()
    weight = next(objective.module.parameters())
    weight.register_hook(lambda gradient: gradient * float("inf") if loop.progress.step == 3 else gradient)
    loop = loop_for(objective)
    with pytest.raises(TrainingError, match=r"step 3: gradient_norm; .*picture-\d+"):
        loop.run("poisoned")


@pytest.mark.parametrize("poison_at", [1, 3, 5, 23])
def test_no_checkpoint_holds_what_came_of_a_poisoned_step(poison_at: int) -> None:
    objective = Regression()
    objective.poison_at = poison_at
    with pytest.raises(TrainingError, match=f"step {poison_at}:"):
        loop_for(objective).run("poisoned")
    stored = Checkpoints("test", "key").load()
    assert stored is None or stored[1]["step"] <= poison_at


def test_batches_made_ahead_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Regression()
    expected = loop_for(whole).run("ahead")
    Checkpoints("test", "key").clear()
    monkeypatch.setattr("unmask.training.loop.ahead", lambda items, prepare, _: ((n, prepare(n)) for n in items))
    plain = Regression()
    found = loop_for(plain).run("one by one")
    assert (found.history, found.steps) == (expected.history, expected.steps)
    for name, tensor in whole.kept.state_dict().items():
        assert torch.equal(tensor, plain.kept.state_dict()[name]), name


def test_every_component_rate_and_norm_is_logged() -> None:
    log = loop_for(Regression()).run("logged")
    assert [row["step"] for row in log.steps] == [0, 10, 20]
    names = {"loss", "extra", "learning_rate", "gradient_norm"}
    assert set(log.steps[0]) == {"step", *names}
    assert set(log.history[0]) == {"epoch", "validation_auc", *names}


def test_a_damaged_checkpoint_is_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = Checkpoints("test", "key")
    checkpoints.path.parent.mkdir(parents=True)
    checkpoints.path.write_bytes(b"not a checkpoint")
    assert checkpoints.load() is None
    assert "damaged checkpoint ignored" in capsys.readouterr().err
