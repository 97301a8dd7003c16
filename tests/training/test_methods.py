import pytest

from unmask.config import Encoder
from unmask.training.methods import METHODS, pretrains


@pytest.mark.parametrize(
    ("method", "weights", "expected"),
    [("ufd", "none", True), ("ufd", "pretrained", False), ("full", "pretrained", True), ("erm", "none", False)],
)
def test_a_frozen_encoder_keeps_the_weights_it_came_with(method: str, weights: str, expected: bool) -> None:
    encoder = Encoder(name="test_resnet", args={}, front="none", weights=weights)
    assert pretrains(METHODS[method], encoder) is expected
