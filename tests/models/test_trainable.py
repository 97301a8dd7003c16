import pytest
import torch

from unmask.config import Encoder
from unmask.errors import ConfigError
from unmask.models.encoders import create_encoder
from unmask.models.trainable import set_trainable

VIT = Encoder("test_vit", {}, "none", "none")
CNN = Encoder("test_resnet", {"channels": [8, 8, 16, 24]}, "none", "none")


def test_of_a_transformer_the_last_block_and_final_norm_learn() -> None:
    """U-S5."""
    encoder = create_encoder(VIT, size_px=64)
    names = set_trainable(encoder, "last")
    depth, width = len(encoder.backbone.blocks), encoder.embed_dim
    assert all(name.startswith((f"backbone.blocks.{depth - 1}.", "backbone.norm.")) for name in names)
    hidden = encoder.backbone.blocks[0].mlp.fc1.out_features
    attention = 3 * width * width + 3 * width + width * width + width
    block = attention + 2 * width * hidden + hidden + width + 4 * width
    learning = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
    assert learning == block + 2 * width


def test_of_a_convolutional_net_the_last_stage_learns() -> None:
    names = set_trainable(create_encoder(CNN), "last")
    assert names
    assert all(name.startswith("backbone.layer4.") for name in names)


@pytest.mark.parametrize("spec", [VIT, CNN], ids=["vit", "cnn"])
def test_frozen_weights_get_no_gradient_and_stay(spec: Encoder) -> None:
    """U-S6."""
    encoder = create_encoder(spec, size_px=64)
    learning = set(set_trainable(encoder, "last"))
    before = {name: weight.detach().clone() for name, weight in encoder.named_parameters()}
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.1, weight_decay=0.1)
    encoder.train()(torch.rand(4, 3, 64, 64)).square().sum().backward()
    optimizer.step()
    for name, weight in encoder.named_parameters():
        assert (weight.grad is not None) == (name in learning)
        assert name in learning or torch.equal(weight, before[name])
    assert any(not torch.equal(encoder.get_parameter(name), before[name]) for name in learning)


def test_all_and_none() -> None:
    encoder = create_encoder(CNN)
    assert set_trainable(encoder, "none") == []
    assert len(set_trainable(encoder, "all")) == len(list(encoder.parameters()))


def test_an_unknown_choice_names_the_key() -> None:
    with pytest.raises(ConfigError, match=r"teach.trainable: 'some' is none of all, last, none"):
        set_trainable(create_encoder(CNN), "some")
