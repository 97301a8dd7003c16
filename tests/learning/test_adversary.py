import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unmask.labels.graph import BINARY
from unmask.learning.adversary import DomainAdversary, Position, adversary_loss, grad_reverse, ramp
from unmask.models.marginals import StateMarginals
from unmask.training.supervised import supervised_levels


@pytest.fixture
def features() -> Tensor:
    return torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(True)


def adversary(position: Position = "input") -> DomainAdversary:
    torch.manual_seed(3)
    return DomainAdversary(8, n_domains=3, hidden=(5, 4), position=position).double()


REAL = torch.tensor([True, False, True, True, False, True])
DOMAIN = torch.tensor([0, 1, 2, 1, 0, 2])


def test_reversal_keeps_the_value_and_turns_the_gradient(features: Tensor) -> None:
    """U-S1."""
    upstream = torch.randn(6, 8, dtype=torch.float64)
    turned = grad_reverse(features, 0.3)
    (gradient,) = torch.autograd.grad(turned, features, upstream)
    torch.testing.assert_close(turned, features, atol=0, rtol=0)
    torch.testing.assert_close(gradient, -0.3 * upstream, atol=0, rtol=0)


@pytest.mark.parametrize("position", ["input", "penultimate"])
def test_reversal_turns_exactly_what_lies_before_it(features: Tensor, position: Position) -> None:
    """U-S2."""
    model = adversary(position)
    body, last = list(model.body.parameters()), list(model.last.parameters())
    plain = F.cross_entropy(F.pad(model.last(model.body(features)), (1, 0)), DOMAIN)
    straight = torch.autograd.grad(plain, [features, *body, *last])
    turned = torch.autograd.grad(F.cross_entropy(model(features), DOMAIN), [features, *body, *last])
    signs = [-1.0, *[1.0 if position == "input" else -1.0] * len(body), *[1.0] * len(last)]
    for sign, before, after in zip(signs, straight, turned, strict=True):
        torch.testing.assert_close(after, sign * before)


def test_fakes_have_no_influence(features: Tensor) -> None:
    """U-S3."""
    model = adversary()
    loss = adversary_loss(model, features, REAL, DOMAIN)
    (gradient,) = torch.autograd.grad(loss, features)
    changed = features.detach().clone()
    changed[~REAL] += 100
    assert adversary_loss(model, changed, REAL, DOMAIN).item() == loss.item()
    assert not gradient[~REAL].any()
    assert bool(gradient[REAL].any(dim=1).all())


def test_unknown_domains_have_no_influence(features: Tensor) -> None:
    model = adversary()
    some = DOMAIN.clone()
    some[0] = -1
    kept = REAL.clone()
    kept[0] = False
    assert adversary_loss(model, features, REAL, some).item() == adversary_loss(model, features, kept, DOMAIN).item()


def test_a_single_real_works(features: Tensor) -> None:
    """U-S4."""
    one = torch.zeros(6, dtype=torch.bool)
    one[2] = True
    assert bool(adversary_loss(adversary(), features, one, DOMAIN).isfinite())


def test_without_reals_the_term_and_its_gradient_are_zero(features: Tensor) -> None:
    """U-S4."""
    loss = adversary_loss(adversary(), features, torch.zeros(6, dtype=torch.bool), DOMAIN)
    (gradient,) = torch.autograd.grad(loss, features)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("position", ["input", "penultimate"])
def test_the_loss_of_two_equal_domains_is_the_published_sum(position: Position) -> None:
    """U-S7: two binary losses of the class, and two of the domain weighed by lambda."""
    torch.manual_seed(0)
    model = DomainAdversary(8, n_domains=2, hidden=(4,), position=position).double()
    assert model.last.out_features == 1
    embedding = torch.randn(8, 8, dtype=torch.float64)
    score = torch.randn(8, 1, dtype=torch.float64)
    real = torch.tensor([True, True, False, False] * 2)
    domain = torch.arange(8) // 4
    single = model.last(model.body(embedding))[:, 0]
    entropy = F.binary_cross_entropy_with_logits
    published = torch.zeros((), dtype=torch.float64)
    for k in (0, 1):
        chosen = domain == k
        published += entropy(score[chosen, 0], (~real[chosen]).double())
        published += 0.7 * entropy(single[chosen & real], torch.full((2,), float(k)).double())
    marginals, target = StateMarginals(BINARY)(score).marginals, (~real)[:, None].double()
    classes = supervised_levels(marginals, target, torch.ones(8, 1), BINARY, cross_entropy=1.0).sum()
    found = classes + 0.7 * adversary_loss(model, embedding, real, domain)
    torch.testing.assert_close(2 * found, published, atol=1e-12, rtol=0)


def test_an_unknown_position_is_refused() -> None:
    with pytest.raises(ValueError, match="position"):
        DomainAdversary(8, n_domains=2, position="output")  # type: ignore[arg-type]


def test_ramp_grows_from_zero_to_one() -> None:
    values = [ramp(step / 10) for step in range(11)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=1e-4)
