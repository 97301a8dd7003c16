"""The average is the weighted sum of the weights it followed."""

import torch
from torch import nn

from unmask.training.average import Average


def test_the_average_follows_weights_and_buffers() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = Average(net, 0.5)
    expected = average.snapshot()
    for step in range(6):
        net(torch.randn(8, 2))
        with torch.no_grad():
            net[0].weight.add_(1.0)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in net.state_dict().items():
            mean = expected[name]
            expected[name] = decay * mean + (1 - decay) * value if mean.is_floating_point() else value.clone()
    for name, value in average.snapshot().items():
        torch.testing.assert_close(value, expected[name])
    assert not any(parameter.requires_grad for parameter in average.module.parameters())


def test_a_snapshot_does_not_move_any_more() -> None:
    net = nn.Linear(2, 2)
    average = Average(net, 0.5)
    before = average.snapshot()
    kept = {name: value.clone() for name, value in before.items()}
    nn.init.constant_(net.weight, 7.0)
    average.update(100)
    assert all(torch.equal(before[name], kept[name]) for name in kept)
    assert not torch.equal(average.snapshot()["weight"], kept["weight"])
