"""Linear warm-up, then a cosine to zero, on each group's own rate."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unmask.training.schedule import WarmCosine


def schedule(total: int, warm: float) -> WarmCosine:
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in (0.2, 0.02)]
    return WarmCosine(torch.optim.SGD(groups), total_steps=total, warmup_fraction=warm)


def test_known_values() -> None:
    shape = schedule(110, 10 / 110)
    assert [shape.factor(step) for step in (0, 4, 9, 10, 60)] == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.5])
    shape.set(60)
    assert [group["lr"] for group in shape.optimizer.param_groups] == pytest.approx([0.1, 0.01])
    assert shape.rate(60) == pytest.approx(0.1)


@given(total=st.integers(1, 500), warm=st.floats(0, 1))
def test_every_step_has_a_rate_that_rises_then_falls(total: int, warm: float) -> None:
    shape = schedule(total, warm)
    factors = [shape.factor(step) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    peak = min(shape.warm_steps, total) - 1
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
