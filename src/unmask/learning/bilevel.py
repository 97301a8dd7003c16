"""Task weights by bi-level optimisation (Auto-lambda, arXiv 2202.03091; SJEDD, methods: 1.9)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from unmask.errors import TrainingError

LossFunction = Callable[[Any, Any], Tensor]
Weights = dict[str, Tensor]
Mode = Literal["finite", "exact"]

_SLOTS = ("step", "exp_avg", "exp_avg_sq")


class AutoLambda:
    """One weight a task, moved so that the weighted step lowers the primary tasks' loss on another batch.

    With theta' = theta - alpha sum_t lambda_t grad L_t(theta) and v = grad L_primary(theta'), the hypergradient is
    h_t = -alpha <grad L_t(theta), v>. MODE "exact" takes the products by one forward-mode pass, "finite" by losses
    at theta +- (radius / |v|) v, which is cheaper. Both are done in float32 even under autocast: bf16 rounds the
    difference away and has no forward mode. So enter autocast around `step`, never inside the loss function.

    NORMALISE replaces alpha v by v / |v|: h keeps its direction, and Adam's epsilon of 1e-8 no longer swallows
    it where gradients or learning rates are small (at the published rate of 6e-7, or in a warm-up from 0).

    `step` stands between backward and the optimiser's step and takes the gradient from `.grad`, so that the virtual
    step costs nothing. That gradient is clipped and holds whatever else the loss does (the adversary, which has no
    weight here), and a step's own loss is weighed as the steps before it left the weights; the release computes the
    gradient of the weighted sum a second time instead.

    The model is only called functionally, on other weights and on copies of its buffers: its weights, buffers and
    gradients are never written to. `weights` (T,) is float64, on the CPU.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[str] = ("binary", "global", "local"),
        primary: Sequence[str] = ("binary",),
        init: float = 1.0,
        lr: float = 1e-3,
        every: int = 1,
        fd_radius: float = 0.01,
        mode: Mode = "finite",
        normalise: bool = True,
    ) -> None:
        if mode not in ("finite", "exact"):
            raise ValueError(f"mode must be finite or exact, not {mode!r}")
        self.tasks = tuple(tasks)
        self.primary = [self.tasks.index(name) for name in primary]
        self.every = every
        self.fd_radius = fd_radius
        self.mode = mode
        self.normalise = normalise
        self.weights = torch.full((len(self.tasks),), init, dtype=torch.float64)
        self.optimizer = torch.optim.Adam([self.weights], lr=lr)

    def due(self, step: int) -> bool:
        """Whether the weights move at this training step: 0, every, 2 every..."""
        return step % self.every == 0

    def combine(self, losses: Tensor) -> Tensor:
        """The weighted sum of task losses (T,), without gradient to the weights."""
        return (self.weights.to(losses.device, losses.dtype) * losses).sum()

    def step(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        batch_train: Any,
        batch_aux: Any,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Move the weights once; `loss_fn(model, batch)` gives the task losses (T,).

        BATCH_TRAIN is the batch that the gradients in `.grad` are of, the auxiliary one a second, independently drawn
        one of the training set. Random layers draw the same numbers in every evaluation, and the generators are left
        as they were.

        Raises:
            ValueError: no weight has a gradient.
            TrainingError: a loss on one of the batches is not finite.
        """
        hypergradient = self.hypergradient(model, loss_fn, batch_train, batch_aux, optimizer).to("cpu", torch.float64)
        if not bool(hypergradient.isfinite().all()):
            raise TrainingError("the gradient of the task weights is not finite; try a lower learning rate")
        self.weights.grad = hypergradient
        self.optimizer.step()

    def hypergradient(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        batch_train: Any,
        batch_aux: Any,
        optimizer: torch.optim.Optimizer,
    ) -> Tensor:
        """Gradient (T,) of the primary loss after the virtual step with respect to the weights."""
        theta = _learning(model)
        rates = _rates(theta, optimizer)
        losses_at = _Evaluator(model, loss_fn)
        with _mode_kept(model):
            ahead = self.virtual_step(model, optimizer)
            primary = losses_at(ahead, batch_aux)[self.primary].sum()
            direction = _gradients(primary, ahead)
            if self.normalise:
                norm = _norm(direction)
                direction = {name: part / (norm + 1e-12) for name, part in direction.items()}
            else:
                direction = {name: part * rates[name] for name, part in direction.items()}
            along = _exact if self.mode == "exact" else self._finite
            with torch.autocast(next(iter(theta.values())).device.type, enabled=False):
                return -along(theta, direction, losses_at, batch_train)

    def virtual_step(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> Weights:
        """The weights that a plain step along the gradients in `.grad` leads to; the model stays as it is.

        Learning rate, weight decay and SGD's momentum are the optimiser's; Adam's scaling is left out, as published.
        """
        theta = _learning(model)
        if all(weight.grad is None for weight in theta.values()):
            raise ValueError("no weight has a gradient; call backward first")
        groups = {id(weight): group for group in optimizer.param_groups for weight in group["params"]}
        ahead = {}
        for name, weight in theta.items():
            group = groups.get(id(weight), {"lr": 0.0})
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            move = gradient + group.get("weight_decay", 0.0) * weight.detach()
            move = _with_momentum(move, group, optimizer.state.get(weight, {}))
            ahead[name] = (weight.detach() - group["lr"] * move).requires_grad_(True)
        return ahead

    def _finite(self, theta: Weights, direction: Weights, losses_at: "_Evaluator", batch: Any) -> Tensor:
        # (L(theta + r u) - L(theta - r u)) / 2r with the unit vector u, times |direction|.
        norm = _norm(direction)
        # Not |v| + 1e-6 as released: without normalising the direction holds the rate, which may be less than that.
        radius = self.fd_radius / norm.clamp(min=torch.finfo(norm.dtype).tiny)
        with torch.no_grad():
            above = losses_at({name: weight + radius * direction[name] for name, weight in theta.items()}, batch)
            below = losses_at({name: weight - radius * direction[name] for name, weight in theta.items()}, batch)
        return (above - below) / (2 * radius)

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and the moments of their Adam, as flat tensors."""
        moments = self.optimizer.state.get(self.weights, {})
        zeros = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(self.weights)}
        zeros["exp_avg_sq"] = zeros["exp_avg"].clone()
        return {"weights": self.weights.clone(), **{name: moments.get(name, zeros[name]).clone() for name in _SLOTS}}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        self.weights.copy_(state["weights"])
        self.optimizer.state[self.weights] = {name: state[name].cpu().clone() for name in _SLOTS}


class _Closure(nn.Module):
    """A loss function as a module, so that functional_call can swap the weights below it."""

    def __init__(self, model: nn.Module, loss_fn: LossFunction) -> None:
        super().__init__()
        self.model = model
        self.loss_fn = loss_fn

    def forward(self, batch: Any) -> Tensor:
        return self.loss_fn(self.model, batch)


class _Evaluator:
    """Task losses of a model at other weights, each time from the same random state and with buffers of its own."""

    def __init__(self, model: nn.Module, loss_fn: LossFunction) -> None:
        self.closure = _Closure(model, loss_fn)
        self.buffers = dict(model.named_buffers())
        self.devices = sorted({weight.get_device() for weight in model.parameters() if weight.is_cuda})

    def __call__(self, theta: Weights, batch: Any) -> Tensor:
        # Cloned for each call, because BatchNorm writes to them, under forward mode even with tangents.
        state = {f"model.{name}": value for name, value in theta.items()}
        state |= {f"model.{name}": value.clone() for name, value in self.buffers.items()}
        with torch.random.fork_rng(devices=self.devices):
            losses: Tensor = functional_call(self.closure, state, (batch,))
        return losses


def _exact(theta: Weights, direction: Weights, losses_at: _Evaluator, batch: Any) -> Tensor:
    plain = {name: weight.detach() for name, weight in theta.items()}
    # Only the math kernel of attention has a forward-mode rule.
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        product: Tensor = jvp(lambda weights: losses_at(weights, batch), (plain,), (direction,))[1]
    return product


def _learning(model: nn.Module) -> Weights:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def _gradients(loss: Tensor, theta: Weights) -> Weights:
    found = torch.autograd.grad(loss, list(theta.values()), allow_unused=True)
    return {
        name: torch.zeros_like(weight) if gradient is None else gradient
        for (name, weight), gradient in zip(theta.items(), found, strict=True)
    }


def _norm(direction: Weights) -> Tensor:
    return torch.stack([part.double().square().sum() for part in direction.values()]).sum().sqrt().float()


def _rates(theta: Weights, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    rates = {id(weight): float(group["lr"]) for group in optimizer.param_groups for weight in group["params"]}
    return {name: rates.get(id(weight), 0.0) for name, weight in theta.items()}


def _with_momentum(move: Tensor, group: dict[str, Any], state: dict[str, Any]) -> Tensor:
    momentum = group.get("momentum", 0.0)
    if not momentum:
        return move
    buffer = state.get("momentum_buffer")
    buffer = move if buffer is None else momentum * buffer + (1 - group["dampening"]) * move
    return move + momentum * buffer if group["nesterov"] else buffer


@contextmanager
def _mode_kept(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
