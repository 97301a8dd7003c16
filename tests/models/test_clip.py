from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from safetensors.torch import save_file

from unmask.config import Encoder, Labels, Preprocess, TextTower
from unmask.errors import ConfigError
from unmask.models import clip, encoders, text
from unmask.models.detector import create_detector, detector_spec, load_detector, save_detector
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


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model that open_clip knows by name, with the activation that OpenAI's weights want."""
    shape = {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"layers": 1, "width": 64, "head_width": 32, "patch_size": 16, "image_size": 64},
        "text_cfg": {"context_length": 77, "width": 64, "heads": 2, "layers": 1},
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small-quickgelu", shape)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("custom_text", [True, False], ids=["towers apart", "as OpenAI stores them"])
def test_both_towers_load_from_one_local_file(tmp_path: Path, custom_text: bool) -> None:
    name, path = "open_clip:small-quickgelu", tmp_path / "clip.safetensors"
    torch.manual_seed(0)
    stored = open_clip.create_model("small-quickgelu", force_custom_text=custom_text).eval()
    save_file({key: value.contiguous() for key, value in stored.state_dict().items()}, path)
    encoder = create_encoder(Encoder(name, {}, "none", str(path)), size_px=64).eval()
    sentences = create_sentence_encoder(TextTower(name, 0, 0, str(path)), ["a face", "a nose"]).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        wanted = stored.encode_image((pictures - encoder.front.mean) / encoder.front.std)
        torch.testing.assert_close(encoder(pictures), wanted)
        torch.testing.assert_close(sentences(), stored.encode_text(sentences.tokens))


@pytest.mark.usefixtures("registered")
def test_a_stored_detector_computes_the_same_without_the_file(tmp_path: Path) -> None:
    name, path = "open_clip:small-quickgelu", tmp_path / "clip.safetensors"
    stored = open_clip.create_model("small-quickgelu", force_custom_text=True)
    save_file({key: value.contiguous() for key, value in stored.state_dict().items()}, path)
    spec = detector_spec(
        encoder=Encoder(name, {}, "none", str(path)),
        head="joint",
        labels=Labels("ffpp", True),
        attributes=True,
        text=TextTower(name, 0, 0, str(path)),
        preprocess=Preprocess(64, 64, True),
    )
    built = create_detector(spec).eval()
    save_detector(tmp_path / "detector", built, {})
    path.unlink()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(load_detector(tmp_path / "detector")(pictures).scores, built(pictures).scores)


@pytest.mark.parametrize(("model", "quick"), [("ViT-B-32-quickgelu", True), ("ViT-B-32", False)])
def test_published_weights_have_the_activation_of_the_model_named(model: str, quick: bool) -> None:
    tag = clip._weights_source(model, "pretrained", "encoder")
    assert bool(open_clip.get_pretrained_cfg(model, tag).get("quick_gelu")) == quick
    assert (tag == "openai") == quick
