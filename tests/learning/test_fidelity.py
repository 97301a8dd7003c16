import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unmask.labels.graph import BINARY, FFPP, FFSC, LabelGraph
from unmask.learning.fidelity import fidelity_loss, level_losses


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_a_right_answer_costs_nothing() -> None:
    """U-F1."""
    loss = fidelity_loss(double(0, 1), double(0, 1))
    torch.testing.assert_close(loss, double(0, 0), atol=1e-12, rtol=0)


def test_the_raw_minimum_is_below_zero() -> None:
    """U-F1."""
    loss = fidelity_loss(double(0, 1), double(0, 1), zero_min=False)
    torch.testing.assert_close(loss, double(-1e-4, -1e-4), atol=1e-8, rtol=0)


@pytest.mark.parametrize(("p", "value"), [(0.5, 0.292893), (0.9, 0.051317), (0.1, 0.683772)])
def test_published_values(p: float, value: float) -> None:
    """U-F2."""
    assert fidelity_loss(double(p), double(1)).item() == pytest.approx(value, abs=1.1e-4)
    assert fidelity_loss(double(p), double(1), eps=1e-16).item() == pytest.approx(value, abs=1e-6)


def test_the_worst_answer_costs_one() -> None:
    """U-F2."""
    p, g = double(0, 1), double(1, 0)
    torch.testing.assert_close(fidelity_loss(p, g, zero_min=False), double(0.9998, 0.9998), atol=1e-6, rtol=0)
    torch.testing.assert_close(fidelity_loss(p, g), double(0.9999, 0.9999), atol=1e-6, rtol=0)


@given(st.floats(0, 1))
def test_symmetry_and_range(p: float) -> None:
    """U-F3."""
    yes, no = (
        fidelity_loss(double(p), double(1), zero_min=False),
        fidelity_loss(double(1 - p), double(0), zero_min=False),
    )
    assert yes.item() == pytest.approx(no.item(), abs=1e-7)
    assert -1.0001e-4 <= yes.item() <= 0.9998 + 1e-12


def test_gradient_through_a_sigmoid_vanishes_when_confidently_wrong() -> None:
    """U-F4."""
    z = torch.linspace(-8, 8, 33, dtype=torch.float64, requires_grad=True)
    p = torch.sigmoid(z)
    (gradient,) = torch.autograd.grad(fidelity_loss(p, torch.ones_like(p), eps=1e-14).sum(), z)
    torch.testing.assert_close(gradient, -0.5 * p.sqrt() * (1 - p), atol=1e-6, rtol=0)


def test_gradient_at_the_ends_is_finite() -> None:
    """U-F5."""
    p = double(0, 1, 0, 1).requires_grad_(True)
    (gradient,) = torch.autograd.grad(fidelity_loss(p, double(1, 1, 0, 0)).sum(), p)
    assert bool(gradient.isfinite().all())
    assert gradient[0].item() == pytest.approx(-5000)


def test_no_epsilon_is_refused() -> None:
    """U-F5."""
    with pytest.raises(ValueError, match="eps must be positive"):
        fidelity_loss(double(0.5), double(1), eps=0)


def test_masked_labels_give_no_loss_and_no_gradient() -> None:
    """U-F6."""
    p = torch.full((3, 10), 0.3, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(3, 10)
    mask[1, 4:] = 0
    loss = fidelity_loss(p, torch.ones(3, 10), mask)
    (gradient,) = torch.autograd.grad(level_losses(loss, FFPP, mask).sum(), p)
    assert not loss[1, 4:].any()
    assert not gradient[1, 4:].any()
    assert bool(gradient[1, :4].any())


def test_an_all_masked_batch_costs_zero() -> None:
    """U-F6."""
    p = torch.full((3, 10), 0.3, requires_grad=True)
    mask = torch.zeros(3, 10)
    losses = level_losses(fidelity_loss(p, torch.ones(3, 10), mask), FFPP, mask)
    (gradient,) = torch.autograd.grad(losses.sum(), p)
    assert losses.tolist() == [0, 0, 0]
    assert not gradient.any()


@pytest.mark.parametrize(("graph", "first_local"), [(FFPP, 4), (FFSC, 6)])
def test_level_means(graph: LabelGraph, first_local: int) -> None:
    """U-F7."""
    values = torch.arange(2 * len(graph), dtype=torch.float64).view(2, -1)
    parts = (values[:, :1], values[:, 1:first_local], values[:, first_local:])
    torch.testing.assert_close(level_losses(values, graph), torch.stack([part.mean() for part in parts]))


def test_level_means_count_known_labels_only() -> None:
    values, mask = torch.ones(2, 10), torch.ones(2, 10)
    values[0, 1:4] = 7
    mask[0, 1:4] = 0
    assert level_losses(values, FFPP, mask).tolist() == [1, 1, 1]


def test_levels_that_a_graph_lacks_cost_zero() -> None:
    assert level_losses(torch.ones(4, 1), BINARY).tolist() == [1, 0, 0]


@given(st.floats(1e-6, 1))
def test_hard_labels_give_one_minus_the_root_of_the_targets_probability(p: float) -> None:
    """U-F8."""
    raw = fidelity_loss(double(p), double(1), eps=1e-30).item()
    assert raw == pytest.approx(1 - math.sqrt(p), abs=1e-12)
