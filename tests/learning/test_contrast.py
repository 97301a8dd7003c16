import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmask.config import Encoder
from unmask.learning.contrast import MoCo
from unmask.models.encoders import create_encoder


class Toy(nn.Module):
    embed_dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.as_tensor(self.body(pictures))


def moco(queue: int = 8, momentum: float = 0.9) -> MoCo:
    torch.manual_seed(0)
    return MoCo(Toy, dim=4, queue=queue, momentum=momentum, temperature=0.2)


def views(batch: int = 4) -> Tensor:
    return torch.rand(batch, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_the_key_branch_starts_equal_and_does_not_learn() -> None:
    """U-M1."""
    model = moco()
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, model.key_encoder.state_dict()[name])
    keys = [*model.key_encoder.parameters(), *model.key_head.parameters()]
    assert not any(weight.requires_grad for weight in keys)


def test_one_update_closes_its_share_of_the_gap() -> None:
    """U-M2."""
    model = moco(momentum=0.9).double()
    before = copy.deepcopy(model.key_encoder.state_dict())
    with torch.no_grad():
        for weight in model.encoder.parameters():
            weight.add_(1)
    model.update_keys()
    for name, weight in model.key_encoder.named_parameters():
        torch.testing.assert_close(weight, before[name] + 0.1, atol=1e-12, rtol=0)


def test_the_gap_falls_with_the_power_of_the_momentum() -> None:
    """U-M2."""
    model = moco(momentum=0.999).double()
    with torch.no_grad():
        weight = model.head[0].bias
        weight.add_(1)
        gap = weight - model.key_head[0].bias
    for _ in range(1000):
        model.update_keys()
    left = weight - model.key_head[0].bias
    torch.testing.assert_close(left, 0.999**1000 * gap, atol=1e-12, rtol=0)
    assert (left / gap).mean().item() == pytest.approx(0.3677, abs=1e-4)


def test_both_branches_switch_mode_though_an_encoder_keeps_frozen_normalisations() -> None:
    settings = Encoder("test_resnet", {"channels": [8, 8, 16, 24]}, "none", "none")
    model = MoCo(lambda: create_encoder(settings), dim=4, queue=8, momentum=0.9, temperature=0.2).train()
    assert all(module.training for module in model.modules())
    model.eval()
    assert not any(module.training for module in model.modules())


def test_the_queue_takes_keys_in_turn_and_wraps() -> None:
    """U-M3."""
    model = moco(queue=8)
    rows = F.normalize(torch.randn(9, 4), dim=1)
    groups = torch.arange(9)
    for start in (0, 3, 6):
        model.enqueue(rows[start : start + 3], groups[start : start + 3])
    assert model.pointer.item() == 1
    torch.testing.assert_close(model.queue[:, 1:], rows[1:8].T)
    torch.testing.assert_close(model.queue[:, 0], rows[8])
    assert model.queue_group.tolist() == [8, 1, 2, 3, 4, 5, 6, 7]


def test_a_batch_larger_than_the_queue_leaves_its_last_keys() -> None:
    model = moco(queue=8)
    rows = torch.randn(11, 4)
    model.enqueue(rows)
    assert sorted(model.queue[0].tolist()) == sorted(rows[3:, 0].tolist())


def test_a_forward_pass_enqueues_unit_keys_in_train_mode_only() -> None:
    """U-M3."""
    model = moco().eval()
    before = model.queue.clone()
    model(views(), views())
    assert torch.equal(model.queue, before)
    model.train()(views(), views())
    assert not torch.equal(model.queue[:, :4], before[:, :4])
    torch.testing.assert_close(model.queue.norm(dim=0), torch.ones(8))


def test_shapes_and_targets() -> None:
    """U-M4."""
    logits, target = moco(queue=8)(views(5), views(5))
    assert logits.shape == (5, 1 + 8 + 5)
    assert target.tolist() == [0] * 5


class Flat(nn.Module):
    """Embeds a picture as its first pixel's two leading channels."""

    embed_dim = 2

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures[:, :2, 0, 0]


def flat_moco(queue: Tensor) -> MoCo:
    model = MoCo(Flat, dim=2, queue=queue.shape[1], momentum=0.9, temperature=0.2).eval()
    model.head, model.key_head = nn.Sequential(), nn.Sequential()
    model.queue.copy_(queue)
    return model


@pytest.mark.parametrize(("column", "expected"), [([1.0, 0.0], math.log(65)), ([0.0, 1.0], 0.358533)])
def test_loss_of_no_information_and_of_a_perfect_positive(column: list[float], expected: float) -> None:
    """U-M4."""
    model = flat_moco(torch.tensor(column)[:, None].expand(2, 64))
    picture = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert F.cross_entropy(*model(picture, picture)).item() == pytest.approx(expected, abs=1e-6)


def test_autocast_rounds_no_logit() -> None:
    model = flat_moco(F.normalize(torch.randn(2, 64), dim=0))
    with torch.autocast("cpu", torch.bfloat16):
        under = model(views(), views())[0]
    assert torch.equal(under, model(views(), views())[0])


def test_no_gradient_flows_into_keys_and_queue() -> None:
    """U-M5."""
    model = moco().train()
    logits, target = model(views(), views())
    F.cross_entropy(logits, target).backward()
    assert all(weight.grad is not None for weight in model.encoder.parameters())
    assert all(weight.grad is None for weight in model.key_encoder.parameters())
    assert not model.queue.requires_grad


def test_entries_of_the_same_group_are_no_negatives() -> None:
    """U-M6."""
    model = moco(queue=8).eval()
    model.queue_group.copy_(torch.tensor([5, 5, -1, 2, -1, 3, 3, 3]))
    logits, target = model(views(3), views(3), torch.tensor([5, 3, -1]))
    masked = [[column for column in range(8 + 3) if math.isinf(row[1 + column])] for row in logits.tolist()]
    assert masked == [[0, 1, 8], [5, 6, 7, 9], [10]]
    assert bool(F.cross_entropy(logits, target).isfinite())


def test_pictures_of_one_group_in_a_batch_are_no_negatives_of_each_other() -> None:
    logits, _ = moco(queue=8).eval()(views(3), views(3), torch.tensor([4, 4, 9]))
    assert [[math.isinf(value) for value in row[9:]] for row in logits.tolist()] == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_a_state_dict_resumes_exactly() -> None:
    first, second = moco().train(), moco().train()
    first(views(), views(), torch.arange(4))
    second.load_state_dict(first.state_dict())
    second_logits, first_logits = (each(views(), views(), torch.arange(4))[0] for each in (second, first))
    torch.testing.assert_close(second_logits, first_logits, atol=0, rtol=0)


def test_it_learns_which_views_belong_together() -> None:
    """U-M7."""
    torch.manual_seed(0)
    model = MoCo(Toy, dim=8, queue=32, momentum=0.95, temperature=0.2).train()
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    colours = torch.rand(64, 3, 1, 1)
    for step in range(100):
        pictures = colours[torch.arange(16) + 16 * (step % 4)].expand(-1, 3, 12, 12)
        query, key = (pictures + 0.02 * torch.randn(16, 3, 12, 12) for _ in range(2))
        logits, target = model(query, key, torch.arange(16) + 16 * (step % 4))
        loss = F.cross_entropy(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < math.log(1 + 32 + 15) / 2
    # The batch's other keys are as fresh as the positive, so this is not learned from a key's age.
    assert (logits[:, 0] > logits[:, 33:].max(dim=1).values).double().mean().item() > 0.9
