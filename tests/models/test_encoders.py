from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from unmask.config import Encoder
from unmask.errors import ConfigError
from unmask.models.encoders import create_encoder

CNN = Encoder("test_resnet", {"channels": [8, 8, 16, 24]}, "residual", "none")
# One of each kind of head: plain average, class token, average of tokens, a layer behind the pooling.
KINDS = [
    ("test_resnet", {}),
    ("test_vit", {}),
    ("test_vit", {"global_pool": "avg", "class_token": False}),
    ("test_convnext", {}),
    ("mobilenetv3_small_050", {}),
]


@pytest.mark.parametrize(("name", "args"), KINDS)
@pytest.mark.parametrize("front", ["none", "residual", "downup"])
def test_shapes(name: str, args: dict[str, object], front: str) -> None:
    encoder = create_encoder(Encoder(name, args, front, "none"), size_px=64).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        embedding, found = encoder(pictures), encoder.feature_map(pictures)
        places = encoder.embed_places(encoder.features(pictures))
    assert embedding.shape == (2, encoder.embed_dim)
    assert found.shape[0] == 2
    assert places.shape == (2, *found.shape[2:], encoder.embed_dim)
    assert found.shape[2] == found.shape[3] > 1


@pytest.mark.parametrize(("name", "args"), [KINDS[0], KINDS[2]])
def test_places_average_to_the_embedding_where_the_encoder_averages(name: str, args: dict[str, object]) -> None:
    # An average of tokens is followed by a norm in timm, which does not commute with the mean; leave it out.
    args = args | ({"fc_norm": False} if name == "test_vit" else {})
    encoder = create_encoder(Encoder(name, args, "none", "none"), size_px=64).eval()
    with torch.no_grad():
        features = encoder.features(torch.rand(2, 3, 64, 64))
        mean = encoder.embed_places(features).mean(dim=(1, 2))
    torch.testing.assert_close(mean, encoder.pool(features), atol=1e-5, rtol=1e-4)


def test_normalisation_is_the_models_own() -> None:
    assert create_encoder(CNN).front.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    named = create_encoder(Encoder("mobilenetv3_small_050", {}, "none", "none"))
    assert named.front.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


def test_an_unknown_model_is_named_with_its_nearest() -> None:
    with pytest.raises(ConfigError, match=r"encoder\.name.*'test_resnt'.*did you mean test_resnet"):
        create_encoder(Encoder("test_resnt", {}, "none", "none"))


def test_wrong_args_and_front_are_named() -> None:
    with pytest.raises(ConfigError, match=r"encoder\.args.*chanels"):
        create_encoder(Encoder("test_resnet", {"chanels": [8]}, "none", "none"))
    with pytest.raises(ConfigError, match=r"encoder\.front.*'high'"):
        create_encoder(Encoder("test_resnet", {}, "high", "none"))
    with pytest.raises(ConfigError, match=r"preprocess\.size_px: 65 is odd"):
        create_encoder(Encoder("test_resnet", {}, "downup", "none"), size_px=65)


def test_weights_are_no_pickle_and_exist(tmp_path: Path) -> None:
    for weights in ("model.pth", str(tmp_path / "none.safetensors")):
        with pytest.raises(ConfigError, match=r"encoder\.weights"):
            create_encoder(Encoder("test_resnet", {}, "none", weights))


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"not tensors")
    with pytest.raises(ConfigError, match=r"broken\.safetensors is damaged"):
        create_encoder(Encoder("test_resnet", {}, "none", str(path)))


def test_pretrain_weights_come_back(tmp_path: Path) -> None:
    first = create_encoder(CNN)
    path = tmp_path / "encoder.safetensors"
    save_file({name: value.contiguous() for name, value in first.state_dict().items()}, path)
    again = create_encoder(Encoder(CNN.name, CNN.args, CNN.front, str(path)))
    for name, value in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    with pytest.raises(ConfigError, match="does not fit"):
        create_encoder(Encoder("test_resnet", {}, CNN.front, str(path)))


def test_weights_of_a_published_model_file_widen_to_the_residual(tmp_path: Path) -> None:
    plain = create_encoder(Encoder(CNN.name, CNN.args, "none", "none")).eval()
    path = tmp_path / "timm.safetensors"
    save_file({name: value.contiguous() for name, value in plain.backbone.state_dict().items()}, path)
    wide = create_encoder(Encoder(CNN.name, CNN.args, "residual", str(path))).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(wide(pictures), plain(pictures), atol=1e-5, rtol=1e-5)


def test_missing_pretrained_weights_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"encoder\.weights.*set it to none") as caught:
        create_encoder(Encoder("test_resnet", {}, "none", "pretrained"))
    assert "\n" not in str(caught.value)


def test_frozen_batch_norms_keep_their_statistics() -> None:
    encoder = create_encoder(CNN).requires_grad_(False).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder(torch.rand(4, 3, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
