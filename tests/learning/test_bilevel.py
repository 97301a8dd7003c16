import copy
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from unmask.errors import TrainingError
from unmask.learning.bilevel import AutoLambda, LossFunction

MODES = pytest.mark.parametrize("mode", ["finite", "exact"])
Mode = Literal["finite", "exact"]


class Point(nn.Module):
    """A point theta; batch holds one target a task."""

    def __init__(self, dim: int = 5) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.randn(dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))


def quadratic(model: Point, targets: Tensor) -> Tensor:
    return 0.5 * (model.theta - targets).square().sum(dim=1)


def auto(mode: Mode = "finite", **settings: Any) -> AutoLambda:
    return AutoLambda(mode=mode, **{"lr": 0.1, **settings})


def targets(seed: int) -> Tensor:
    return torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def differentiated(tuner: AutoLambda, model: nn.Module, loss_fn: LossFunction, batch: Any) -> Any:
    """The model with the gradient of the weighted sum, as it is before the optimiser's step."""
    model.zero_grad()
    tuner.combine(loss_fn(model, batch)).backward()
    return model


def unrolled(model: Point, weights: Tensor, train: Tensor, aux: Tensor, rate: float) -> Tensor:
    """Autograd through the virtual step."""
    weights = weights.clone().requires_grad_(True)
    theta = model.theta.detach().requires_grad_(True)
    total = (weights * 0.5 * (theta - train).square().sum(dim=1)).sum()
    (gradient,) = torch.autograd.grad(total, theta, create_graph=True)
    primary = 0.5 * (theta - rate * gradient - aux[0]).square().sum()
    return torch.autograd.grad(primary, weights)[0]


@MODES
def test_hypergradient_of_quadratics_equals_autograd_and_inner_products(mode: Mode) -> None:
    """U-H1."""
    model, train, aux, rate = Point(), targets(1), targets(2), 0.05
    tuner = auto(mode, normalise=False)
    differentiated(tuner, model, quadratic, train)
    found = tuner.hypergradient(model, quadratic, train, aux, torch.optim.SGD(model.parameters(), lr=rate))
    torch.testing.assert_close(found, unrolled(model, tuner.weights, train, aux, rate), atol=1e-9, rtol=0)
    theta = model.theta.detach()
    ahead = theta - rate * (theta - train).sum(dim=0)
    torch.testing.assert_close(found, -rate * ((theta - train) @ (ahead - aux[0])), atol=1e-9, rtol=0)


@MODES
def test_normalising_drops_rate_and_size_but_not_direction(mode: Mode) -> None:
    model, train, aux = Point(), targets(1), targets(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    differentiated(auto(), model, quadratic, train)
    plain = auto(mode, normalise=False).hypergradient(model, quadratic, train, aux, optimizer)
    scaled = auto(mode, normalise=True).hypergradient(model, quadratic, train, aux, optimizer)
    torch.testing.assert_close(scaled / scaled.norm(), plain / plain.norm(), atol=1e-9, rtol=0)
    assert scaled.abs().max() > 100 * plain.abs().max()


@MODES
def test_weights_follow_the_agreement_of_gradients(mode: Mode) -> None:
    """U-H2."""
    model = Point(2)
    with torch.no_grad():
        model.theta.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    primary = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def losses(module: Point, batch: Tensor) -> Tensor:
        # Linear, so that the gradients are the rows.
        return batch @ module.theta

    for other, sign in ((primary, 1), (-primary, -1), (primary.flip(0), 0)):
        tuner = AutoLambda(tasks=("binary", "other"), lr=0.1, mode=mode)
        batch = torch.stack([primary, other])
        differentiated(tuner, model, losses, batch)
        tuner.step(model, losses, batch, batch, optimizer)
        assert torch.sign((tuner.weights[1] - 1).round(decimals=9)).item() == sign


def tiny_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


def outputs(model: nn.Module, batch: Tensor) -> Tensor:
    return torch.as_tensor(model(batch).square().mean(dim=0))


def failing(model: nn.Module, batch: Tensor) -> Tensor:
    model.eval()
    outputs(model, batch)
    raise RuntimeError("out of memory")


@MODES
@pytest.mark.parametrize("loss_fn", [outputs, failing])
@pytest.mark.parametrize("training", [True, False])
def test_the_step_leaves_everything_else_as_it_was(
    mode: Mode,
    loss_fn: Callable[[nn.Module, Tensor], Tensor],
    training: bool,
) -> None:
    """U-H3, U-H4."""
    model = tiny_model().train(training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    batch = torch.rand(6, 3, 8, 8)
    outputs(model, batch).sum().backward()
    optimizer.step()
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict(), [weight.grad for weight in model.parameters()]))
    identities = [id(part) for part in [*model.parameters(), *model.buffers()]]
    random_state = torch.get_rng_state()
    tuner = auto(mode)
    if loss_fn is failing:
        with pytest.raises(RuntimeError, match="out of memory"):
            tuner.step(model, loss_fn, batch, batch, optimizer)
        assert tuner.weights.tolist() == [1, 1, 1]
    else:
        tuner.step(model, loss_fn, batch, batch, optimizer)
        assert tuner.weights.tolist() != [1, 1, 1]
    after = (model.state_dict(), optimizer.state_dict(), [weight.grad for weight in model.parameters()])
    assert str(before) == str(after)
    assert all(torch.equal(value, before[0][name]) for name, value in after[0].items())
    assert identities == [id(part) for part in [*model.parameters(), *model.buffers()]]
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(module.training == training for module in model.modules())


@MODES
def test_dropout_draws_the_same_in_every_evaluation(mode: Mode) -> None:
    model = tiny_model().double().train()
    batch = torch.rand(6, 3, 8, 8, dtype=torch.float64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    differentiated(auto(), model, outputs, batch)
    found = auto(mode, fd_radius=1e-4).hypergradient(model, outputs, batch, batch, optimizer)
    other = auto("exact").hypergradient(model, outputs, batch, batch, optimizer)
    torch.testing.assert_close(found, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_virtual_step_is_the_optimisers_next_one(momentum: float) -> None:
    """U-H5."""
    model, train = Point(), targets(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=momentum, weight_decay=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        quadratic(model, train).sum().backward()
        optimizer.step()
    ahead = auto().virtual_step(differentiated(auto(), model, quadratic, train), optimizer)
    optimizer.step()
    torch.testing.assert_close(ahead["theta"], model.theta, atol=1e-12, rtol=0)


def test_each_weight_moves_at_its_groups_rate() -> None:
    model = tiny_model()
    optimizer = torch.optim.AdamW(
        [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[6].parameters()}], lr=0.1
    )
    ahead = auto().virtual_step(differentiated(auto(), model, outputs, torch.rand(6, 3, 8, 8)), optimizer)
    still = {name for name, weight in model.named_parameters() if torch.equal(weight, ahead[name])}
    assert still == {"0.weight", "0.bias", "1.weight", "1.bias"}


@MODES
def test_weights_start_at_one_and_survive_tasks_without_gradient(mode: Mode) -> None:
    """U-H6."""
    model = Point()
    tuner = auto(mode)
    assert tuner.weights.tolist() == [1, 1, 1]

    def losses(module: Point, batch: Tensor) -> Tensor:
        first = 0.5 * (module.theta - batch[0]).square().sum()
        return torch.stack([first, first * 0, first * 0])

    differentiated(tuner, model, losses, targets(1))
    tuner.step(model, losses, targets(1), targets(2), torch.optim.SGD(model.parameters(), lr=0.1))
    assert tuner.weights[1:].tolist() == [1, 1]
    assert bool(tuner.weights.isfinite().all())


def test_a_hypergradient_that_is_not_finite_stops() -> None:
    tuner = auto()
    model = differentiated(tuner, Point(), quadratic, targets(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TrainingError, match="task weights is not finite"):
        tuner.step(model, lambda module, batch: quadratic(module, batch) * torch.nan, targets(1), targets(2), optimizer)
    assert tuner.weights.tolist() == [1, 1, 1]


def test_the_finite_difference_reaches_as_far_at_the_smallest_rate() -> None:
    def quartic(model: Point, aims: Tensor) -> Tensor:
        return (model.theta.float() - aims.float()).pow(4).sum(dim=1).double()

    model, found = Point(), {}
    for mode in ("finite", "exact"):
        tuner = auto(mode, normalise=False)
        differentiated(tuner, model, quartic, targets(1))
        optimizer = torch.optim.SGD(model.parameters(), lr=6e-9)
        found[mode] = tuner.hypergradient(model, quartic, targets(1), targets(2), optimizer)
    torch.testing.assert_close(found["finite"], found["exact"], rtol=1e-2, atol=0)


def test_due_at_every_kth_step() -> None:
    """U-H7."""
    tuner = AutoLambda(every=3)
    assert [step for step in range(8) if tuner.due(step)] == [0, 3, 6]


def test_a_state_dict_resumes_exactly() -> None:
    model, first = Point(), auto()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for seed in range(3):
        differentiated(first, model, quadratic, targets(seed))
        first.step(model, quadratic, targets(seed), targets(seed + 1), optimizer)
    second = auto()
    second.load_state_dict(first.state_dict())
    for each in (first, second):
        each.step(model, quadratic, targets(7), targets(8), optimizer)
    assert torch.equal(first.weights, second.weights)


def test_a_fresh_state_resumes_too() -> None:
    first, second = auto(), auto()
    model = differentiated(first, Point(), quadratic, targets(7))
    second.load_state_dict(first.state_dict())
    for each in (first, second):
        each.step(model, quadratic, targets(7), targets(8), torch.optim.SGD(model.parameters(), lr=0.1))
    assert torch.equal(first.weights, second.weights)


def test_combine_weighs_losses_without_gradient_to_the_weights() -> None:
    tuner = AutoLambda(init=2.0)
    losses = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    total = tuner.combine(losses)
    total.backward()
    assert total.item() == 12
    assert losses.grad is not None
    assert losses.grad.tolist() == [2, 2, 2]
    assert not tuner.weights.requires_grad


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="mode"):
        AutoLambda(mode="fast")  # type: ignore[arg-type]


def test_without_gradients_it_says_what_to_do_first() -> None:
    model = Point()
    with pytest.raises(ValueError, match="call backward first"):
        auto().virtual_step(model, torch.optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize(("mode", "passes"), [("finite", 3), ("exact", 2)])
def test_it_costs_one_gradient_of_another_batch_and_what_the_mode_needs(mode: Mode, passes: int) -> None:
    tuner, batches = auto(mode), (targets(1), targets(2))
    model = differentiated(tuner, Point(), quadratic, batches[0])
    with_gradient = []

    def counted(module: Point, batch: Tensor) -> Tensor:
        with_gradient.append(torch.is_grad_enabled())
        return quadratic(module, batch)

    tuner.step(model, counted, *batches, torch.optim.SGD(model.parameters(), lr=0.1))
    assert len(with_gradient) == passes
    assert sum(with_gradient) == 1
