import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unmask.labels.graph import BINARY, FFPP, FFSC, LabelGraph, graph_by_name
from unmask.models.marginals import StateMarginals, uniform_offset

GRAPHS = pytest.mark.parametrize("graph", [FFPP, FFSC, BINARY], ids=lambda graph: graph.key)
FLAT = {
    "ffpp": [0.9960, 0.4422, 0.8725, 0.5378, 0.5020, 0.4382, 0.5817, 0.5817, 0.5020, 0.4382],
    "ffsc": [0.9994, 0.4372, 0.5317, 0.5317, 0.5699, 0.5699, 0.5816, 0.4851, 0.5078, 0.5078, 0.4851, 0.5816],
    "binary": [0.5],
}
SCORES = st.lists(st.floats(-30, 30), min_size=10, max_size=10)


def random_scores(graph: LabelGraph, rows: int = 5) -> Tensor:
    return torch.randn(rows, len(graph), dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3


def enumerated(scores: list[float], graph: LabelGraph) -> list[float]:
    """Marginals from all 2^n states, legality written out anew, sums without rounding."""
    _, globals_, _ = graph.levels()
    weights: dict[tuple[int, ...], float] = {}
    for state in itertools.product((0, 1), repeat=len(graph)):
        on = [i for i, bit in enumerate(state) if bit]
        heads = [i for i in on if 1 <= i < globals_.stop]
        supported = {below for head in heads for below in graph.children[head]}
        if (heads and 0 not in on) or not all(set(graph.children[head]) & set(on) for head in heads):
            continue
        if set(on) - {0, *heads} <= supported:
            weights[state] = math.exp(sum(scores[i] for i in on))
    z = math.fsum(weights.values())
    return [math.fsum(w for state, w in weights.items() if state[i]) / z for i in range(len(graph))]


@GRAPHS
def test_marginals_of_equal_scores_are_the_papers(graph: LabelGraph) -> None:
    """U-G3."""
    found = StateMarginals(graph)(torch.zeros(1, len(graph))).marginals
    torch.testing.assert_close(found[0], torch.tensor(FLAT[graph.key], dtype=torch.float64), atol=1e-4, rtol=0)


def test_marginals_equal_enumeration() -> None:
    """U-G4."""
    scores = random_scores(FFPP, 3)
    found = StateMarginals(FFPP)(scores).marginals
    wanted = torch.tensor([enumerated(row, FFPP) for row in scores.tolist()], dtype=torch.float64)
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


@GRAPHS
def test_gradient_of_log_z_is_the_marginals(graph: LabelGraph) -> None:
    """U-G5."""
    scores = random_scores(graph).requires_grad_(True)
    found = StateMarginals(graph)(scores)
    (gradient,) = torch.autograd.grad(found.log_z.sum(), scores)
    torch.testing.assert_close(gradient, found.marginals, atol=1e-12, rtol=0)


@GRAPHS
def test_probability_of_real_is_one_over_z(graph: LabelGraph) -> None:
    """U-G6."""
    found = StateMarginals(graph)(random_scores(graph))
    torch.testing.assert_close(1 - found.marginals[:, 0], torch.exp(-found.log_z), atol=1e-12, rtol=0)


@GRAPHS
def test_logit_is_the_log_odds_of_the_root(graph: LabelGraph) -> None:
    found = StateMarginals(graph)(random_scores(graph))
    torch.testing.assert_close(torch.sigmoid(found.logit), found.marginals[:, 0], atol=1e-12, rtol=0)


@given(SCORES)
def test_marginals_respect_the_hierarchy(scores: list[float]) -> None:
    """U-G7."""
    p = StateMarginals(FFPP)(torch.tensor([scores], dtype=torch.float64)).marginals[0].tolist()
    _, globals_, locals_ = FFPP.levels()
    labels = range(len(FFPP))
    assert all(0 <= value <= 1 + 1e-12 for value in p)
    assert all(p[label] <= p[0] + 1e-12 for label in labels[globals_])
    assert all(p[label] <= sum(p[below] for below in FFPP.children[label]) + 1e-12 for label in labels[globals_])
    assert all(p[label] <= sum(p[above] for above in FFPP.parents(label)) + 1e-12 for label in labels[locals_])


@GRAPHS
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_huge_scores_stay_finite_with_finite_gradients(graph: LabelGraph, size: float) -> None:
    """U-G8."""
    signs = torch.where(torch.arange(2 * len(graph)).view(2, -1) % 3 == 0, -1.0, 1.0)
    scores = (size * torch.cat([signs, -signs, torch.ones_like(signs), -torch.ones_like(signs)])).requires_grad_(True)
    found = StateMarginals(graph)(scores)
    (gradient,) = torch.autograd.grad(found.marginals.sum() + found.logit.sum(), scores)
    assert all(bool(part.isfinite().all()) for part in (*found, gradient))


def test_float32_agrees_with_float64() -> None:
    """U-G8."""
    scores = random_scores(FFPP, 64)
    single = StateMarginals(FFPP, dtype=torch.float32)(scores.float())
    double = StateMarginals(FFPP)(scores)
    torch.testing.assert_close(single.marginals.double(), double.marginals, atol=1e-5, rtol=0)
    assert single.marginals.dtype == torch.float32


def test_a_lone_root_score_of_minus_log_250_is_even_odds() -> None:
    """U-G9."""
    scores = torch.zeros(1, 10)
    scores[0, 0] = -math.log(250)
    assert StateMarginals(FFPP)(scores).marginals[0, 0].item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("score", "p"), [(-1, 0.67713), (-2, 0.15113), (-5, 0.0067)])
def test_root_of_uniform_scores(score: float, p: float) -> None:
    """U-G9."""
    assert StateMarginals(FFPP)(torch.full((1, 10), float(score))).marginals[0, 0].item() == pytest.approx(p, abs=1e-4)


@pytest.mark.parametrize(("graph", "offset"), [(FFPP, -1.2226), (FFSC, -1.4612), (BINARY, 0.0)])
def test_uniform_offset_gives_even_odds(graph: LabelGraph, offset: float) -> None:
    found = uniform_offset(graph)
    assert found == pytest.approx(offset, abs=1e-4)
    scores = torch.full((1, len(graph)), found, dtype=torch.float64)
    assert StateMarginals(graph)(scores).logit.item() == pytest.approx(0, abs=1e-9)


def test_uniform_offset_without_the_bare_root() -> None:
    graph = graph_by_name("ffpp", allow_bare_root=False)
    scores = torch.full((1, 10), uniform_offset(graph), dtype=torch.float64)
    assert StateMarginals(graph)(scores).marginals[0, 0].item() == pytest.approx(0.5, abs=1e-9)


def test_rows_do_not_influence_each_other() -> None:
    """U-G10."""
    scores = random_scores(FFPP)
    order = torch.tensor([3, 0, 4, 1, 2])
    module = StateMarginals(FFPP)
    torch.testing.assert_close(module(scores[order]).marginals, module(scores).marginals[order], atol=1e-14, rtol=0)


def test_slope_of_a_marginal_along_its_own_score_is_its_variance() -> None:
    """U-G10."""
    scores = random_scores(FFPP, 1).requires_grad_(True)
    p = StateMarginals(FFPP)(scores).marginals[0]
    slopes = torch.stack([torch.autograd.grad(p[i], scores, retain_graph=True)[0][0, i] for i in range(10)])
    torch.testing.assert_close(slopes, p * (1 - p), atol=1e-12, rtol=0)


def test_temperature_divides_the_scores() -> None:
    scores = random_scores(FFPP)
    module = StateMarginals(FFPP)
    torch.testing.assert_close(module(scores, 2.0).log_state, module(scores / 2).log_state)


@given(SCORES)
def test_map_state_is_legal_and_the_most_probable(scores: list[float]) -> None:
    module = StateMarginals(FFPP)
    given_scores = torch.tensor([scores], dtype=torch.float64)
    state = module.map_state(given_scores)
    assert FFPP.is_legal(state.numpy())[0]
    best = (module.states @ given_scores[0]).max().item()
    assert float(state[0].double() @ given_scores[0]) == pytest.approx(best, abs=1e-9)


def test_autocast_does_not_touch_the_precision() -> None:
    scores = random_scores(FFPP)
    with torch.autocast("cpu", torch.bfloat16):
        under = StateMarginals(FFPP)(scores)
    torch.testing.assert_close(under.marginals, StateMarginals(FFPP)(scores).marginals, atol=0, rtol=0)
