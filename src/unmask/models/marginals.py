"""Label scores to probabilities: a softmax over the legal joint label states (SJEDD, methods: 1.7)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from unmask.labels.graph import LabelGraph


class MarginalOutput(NamedTuple):
    """Shapes: marginals (B, n), log_z (B,), log_state (B, S), logit (B,) = log-odds of the root's marginal."""

    marginals: Tensor
    log_z: Tensor
    log_state: Tensor
    logit: Tensor


class StateMarginals(nn.Module):
    """P(s | x) = exp(s . f) / Z over the graph's legal states s; without parameters.

    Computed and returned in DTYPE: float64 keeps 1 - p exact where the fidelity loss needs it, export takes float32.
    """

    states: Tensor

    def __init__(self, graph: LabelGraph, *, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.graph = graph
        self.register_buffer("states", torch.tensor(graph.legal_states(), dtype=dtype), persistent=False)

    def forward(self, scores: Tensor, temperature: float = 1.0) -> MarginalOutput:
        """Marginals of scores f (B, n), each divided by the temperature first."""
        energy = self._energy(scores / temperature)
        log_z = energy.logsumexp(dim=1)
        log_state = energy - log_z[:, None]
        return MarginalOutput(log_state.exp() @ self.states, log_z, log_state, _log_odds(energy))

    def log_odds(self, scores: Tensor) -> Tensor:
        """Log-odds of the root's marginal alone: scores (..., n) -> (...)."""
        return _log_odds(self._energy(scores))

    def map_state(self, scores: Tensor) -> Tensor:
        """The most probable legal state of scores (B, n); returns (B, n) int8."""
        return self.states[self._energy(scores).argmax(dim=1)].to(torch.int8)

    def _energy(self, scores: Tensor) -> Tensor:
        return scores.to(self.states.dtype) @ self.states.T


def _log_odds(energy: Tensor) -> Tensor:
    # The first state is "real", with energy 0; odds from the others stay exact where p rounds to 1.
    return energy[..., 1:].logsumexp(dim=-1) - energy[..., 0]


def uniform_offset(graph: LabelGraph) -> float:
    """The score which, given to every label, makes P(fake) = 0.5: -1.2226 for FF++, -1.4612 for FFSC.

    Without it an untrained model calls 250 of FF++'s 251 legal states fake.
    """
    sizes = graph.legal_states()[1:].sum(axis=1, dtype=np.float64)
    low, high = -50.0, 50.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (low, middle) if np.exp(sizes * middle).sum() > 1 else (middle, high)
    return (low + high) / 2
