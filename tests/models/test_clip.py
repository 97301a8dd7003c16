import pytest
import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from unmask.config import Encoder, TextTower
from unmask.errors import ConfigError
from unmask.models import clip, encoders, text
from unmask.models.encoders import create_encoder
from unmask.models.text import create_sentence_encoder


@pytest.fixture
def small_clip(monkeypatch: pytest.MonkeyPatch) -> CustomTextCLIP:
    torch.manual_seed(0)
    model = CustomTextCLIP(
        embed_dim=32,
        vision_cfg=CLIPVisionCfg(layers=2, width=64, head_width=32, patch_size=16, image_size=64),
        text_cfg=CLIPTextCfg(context_length=32, width=64, heads=2, layers=1),
    ).eval()
    model.visual.preprocess_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
    for module in (encoders, text):
        monkeypatch.setattr(module, "create_clip", lambda *_, **__: model)
    return model


def test_the_image_tower_computes_what_open_clip_does(small_clip: CustomTextCLIP) -> None:
    encoder = create_encoder(Encoder("open_clip:small", {}, "none", "none"), size_px=64).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(encoder(pictures), small_clip.visual((pictures - 0.5) / 0.25))
        assert encoder.embed_places(encoder.features(pictures)).shape == (2, 4, 4, 32)


def test_the_residual_starts_without_effect(small_clip: CustomTextCLIP) -> None:
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        plain = small_clip.visual((pictures - 0.5) / 0.25)
        wide = create_encoder(Encoder("open_clip:small", {}, "residual", "none"), size_px=64).eval()
        torch.testing.assert_close(wide(pictures), plain, atol=1e-5, rtol=1e-5)


def test_the_text_tower_embeds_each_sentence(small_clip: CustomTextCLIP) -> None:
    encoder = create_sentence_encoder(TextTower("open_clip:small", 0, 0, "none"), ["a face", "a nose"])
    assert encoder().shape == (2, encoder.width) == (2, 32)


def test_an_unknown_model_is_named_with_its_nearest() -> None:
    with pytest.raises(ConfigError, match=r"encoder\.name.*'ViT-B-23'.*did you mean open_clip:ViT-B"):
        clip.create_clip("open_clip:ViT-B-23", "none", key="encoder")


def test_weights_are_no_pickle() -> None:
    with pytest.raises(ConfigError, match=r"encoder\.weights.*safetensors"):
        clip.create_clip("open_clip:ViT-B-32", "open_clip.pt", key="encoder")
