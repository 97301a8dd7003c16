import pytest
import torch
from torch import nn
from torch.nn import functional as F

from unmask.labels.graph import BINARY, FFPP
from unmask.learning.distillation import freeze, kd_loss, mix_losses
from unmask.models.marginals import StateMarginals

STATES = StateMarginals(FFPP)


def random_pair(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(rows, columns, dtype=torch.float64, generator=generator) for _ in range(2))
    return student.requires_grad_(True), teacher


@pytest.mark.parametrize("states", [None, STATES], ids=["logits", "states"])
def test_it_is_zero_for_equal_scores_and_positive_otherwise(states: StateMarginals | None) -> None:
    """U-K1."""
    student, teacher = random_pair(4, 10)
    assert kd_loss(teacher, teacher, states, temperature=2).item() == pytest.approx(0, abs=1e-12)
    assert kd_loss(student, teacher, states, temperature=2).item() > 1e-3


@pytest.mark.parametrize(("temperature", "error"), [(20, 0.01), (100, 0.0005)])
def test_gradient_of_a_high_temperature_is_the_gap_of_centred_logits(temperature: float, error: float) -> None:
    """U-K2."""
    student, teacher = random_pair(8, 2)
    (gradient,) = torch.autograd.grad(kd_loss(student, teacher, temperature=temperature), student)
    centred = (student - student.mean(dim=1, keepdim=True)) - (teacher - teacher.mean(dim=1, keepdim=True))
    limit = centred.detach() / student.numel()
    assert ((gradient - limit).norm() / limit.norm()).item() < error


def test_two_classes_are_a_sigmoid() -> None:
    """U-K3."""
    z = torch.linspace(-4, 4, 9, dtype=torch.float64)[:, None]
    pair = torch.cat([torch.zeros_like(z), z], dim=1)
    torch.testing.assert_close(F.softmax(pair / 3, dim=1)[:, 1:], torch.sigmoid(z / 3), atol=1e-15, rtol=0)
    as_states = kd_loss(z, z.flip(0), StateMarginals(BINARY), temperature=3)
    torch.testing.assert_close(as_states, kd_loss(pair, pair.flip(0), temperature=3), atol=1e-12, rtol=0)


def test_gradient_over_states_is_the_gap_of_marginals() -> None:
    """U-K4."""
    student, teacher = random_pair(6, 10)
    temperature = 2.0
    (gradient,) = torch.autograd.grad(kd_loss(student, teacher, STATES, temperature=temperature), student)
    gap = STATES(student, temperature).marginals - STATES(teacher, temperature).marginals
    torch.testing.assert_close(gradient, temperature * gap.detach() / 6, atol=1e-9, rtol=0)


def test_the_teacher_gets_no_gradient() -> None:
    """U-K5."""
    student, teacher = random_pair(4, 10)
    teacher.requires_grad_(True)
    kd_loss(student, teacher, STATES, temperature=2).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_a_frozen_teacher_keeps_its_statistics() -> None:
    """U-K5."""
    teacher = freeze(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    assert not teacher(torch.randn(8, 4)).requires_grad
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_the_ends_of_the_mix_leave_the_other_term_out() -> None:
    """U-K6."""
    good, bad = torch.tensor(0.7), torch.tensor(float("nan"))
    assert torch.equal(mix_losses(good, bad, 0), good)
    assert torch.equal(mix_losses(bad, good, 1), good)
    assert mix_losses(torch.tensor(1.0), torch.tensor(3.0), 0.25).item() == 1.5


def test_huge_scores_stay_finite() -> None:
    student = torch.full((2, 10), 1e4, requires_grad=True)
    loss = kd_loss(student, -student, STATES, temperature=2)
    loss.backward()
    assert bool(loss.isfinite())
    assert bool(student.grad.isfinite().all())  # type: ignore[union-attr]
