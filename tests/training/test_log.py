"""The log holds every epoch's means and every tenth step, whether or not it was read in between."""

import json

import pytest
import torch

from unmask.training.log import Log


def filled(read_at: int | None = None) -> Log:
    log = Log()
    for step in range(25):
        log.add(step, {"loss": torch.tensor(float(step)), "part": torch.tensor(0.5 * step).double()}, {"weight": 1.0})
        if step == read_at:
            again = Log()
            again.load_state(json.loads(json.dumps(log.state())))
            log = again
    return log


@pytest.mark.parametrize("read_at", [None, 0, 10, 13, 24])
def test_a_row_an_epoch_and_every_tenth_step(read_at: int | None) -> None:
    log = filled(read_at)
    assert log.close_epoch(0, 25) == {"epoch": 0.0, "loss": 12.0, "part": 6.0, "weight": 1.0}
    assert [row["step"] for row in log.steps] == [0, 10, 20]
    assert log.steps[1] == {"step": 10, "loss": 10.0, "part": 5.0, "weight": 1.0}
    assert log.sums == {}


def test_a_step_is_told_its_values_at_once() -> None:
    assert Log().add(3, {"loss": torch.tensor(2.0), "norm": torch.tensor(4.0)}, {}).tolist() == [2.0, 4.0]
