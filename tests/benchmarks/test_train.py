"""What the benchmark of training measures with; its figures are for people to judge and are never tested."""

import itertools
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from benchmarks.train import pace
from benchmarks.train.bilevel import cost
from benchmarks.train.stages import STAGES, draw_crops
from unmask.config import Config, load_config

SMALL = [
    "preprocess.size_px=20",
    "preprocess.window_px=24",
    "encoder.args={}",
    "pretrain.contrast.queue=16",
    *(f"{stage}.optimiser.batch_size=8" for stage in STAGES),
]


@pytest.fixture
def config(project: Path) -> Config:
    return load_config(project, SMALL)


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def test_drawn_crops_are_half_fake_and_as_far_labelled_as_asked(config: Config) -> None:
    crops = draw_crops(config, 40, 0.5)
    assert (int(crops.real.sum()), int(crops.fake.sum())) == (10, 10)
    assert torch.equal(crops.known.sum(1) > 0, crops.real | crops.fake)
    assert float(crops.windows.float().std()) > 20


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_row(config: Config, fabric: Fabric, stage: str) -> None:
    row = pace.loop_against_floor(stage, fabric, config, steps=2, rounds=1)
    assert row.what.startswith(stage)
    assert row.ratio is not None
    assert row.ratio > 0


def test_bilevel_steps_have_three_rows(config: Config, fabric: Fabric) -> None:
    rows = cost(fabric, config, steps=2, rounds=1)
    finite, _, sparse = (row.ratio or 0.0 for row in rows)
    assert sparse == pytest.approx(1 + (finite - 1) / 5)


def test_sides_take_turns_and_the_first_turn_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(pace.time, "perf_counter", lambda: next(clock))
    turns = []

    def slow(turn: int) -> None:
        turns.append(("slow", turn))
        for _ in range(100 if turn == 0 else 4):
            next(clock)

    sides = {"slow": slow, "fast": lambda turn: turns.append(("fast", turn))}
    assert pace.alternate(sides, torch.device("cpu"), 2) == {"slow": 5, "fast": 1}
    assert turns == [("slow", 0), ("fast", 0), ("slow", 1), ("fast", 1), ("slow", 2), ("fast", 2)]
