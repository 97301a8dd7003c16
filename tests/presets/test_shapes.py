"""The published models, with random weights of their true shapes; on torch's device without memory."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from unmask.config import Config, load_config
from unmask.models.detector import Detector, create_detector
from unmask.presets.edit import apply_preset
from unmask.training.teach import TeachObjective, teacher_spec


@pytest.fixture
def preset(tmp_path: Path, project: Path, request: pytest.FixtureRequest) -> Config:
    (tmp_path / "params.yaml").write_bytes((project / "params.yaml").read_bytes())
    apply_preset(request.param, tmp_path, write=True)
    return load_config(tmp_path, ["encoder.weights=none", "teach.text.weights=none"])


def objective(config: Config) -> TeachObjective:
    """The teacher's objective on crops of two domains."""
    fabric = SimpleNamespace(to_device=lambda module: module)
    crops = SimpleNamespace(domain=torch.tensor([0, 1]))
    with torch.device("meta"):
        return TeachObjective(fabric, create_detector(teacher_spec(config)), crops, crops, config)  # type: ignore[arg-type]


def trained(taught: TeachObjective) -> int:
    return sum(weight.numel() for group in taught.parameter_groups() for weight in group["params"])


def embedding_shape(detector: Detector) -> tuple[int, ...]:
    return tuple(detector.encoder(torch.rand(2, 3, 224, 224, device="meta")).shape)


@pytest.mark.parametrize("preset", ["sjedd-vitb32"], indirect=True)
def test_sjedd_trains_both_towers_of_clip_base(preset: Config) -> None:
    taught = objective(preset)
    detector = taught.kept
    towers = {name: sum(p.numel() for p in part.parameters()) for name, part in detector.named_children()}
    assert towers == {"encoder": 87_849_216, "head": 63_428_096, "states": 0}
    adversary = sum(weight.numel() for weight in taught.module["adversary"].parameters())
    assert trained(taught) - adversary == 151_277_312
    assert {group["lr"] for group in taught.parameter_groups()} == {6e-7}
    assert embedding_shape(detector) == (2, 512)
    assert tuple(detector.head.as_linear()[0].shape) == (10, 512)


@pytest.mark.parametrize("preset", ["sagnet-vitl14"], indirect=True)
def test_sagnet_trains_the_last_block_ln_post_and_both_heads_of_clip_large(preset: Config) -> None:
    """U-S5."""
    taught = objective(preset)
    assert trained(taught) == 12_596_224 + 2_048 + 769 + 525_313 == 13_124_354
    names = {name for name, weight in taught.module.named_parameters() if weight.requires_grad}
    assert {name.rsplit(".", 1)[0] for name in names if ".resblocks." not in name} == {
        "detector.encoder.backbone.visual.ln_post",
        "detector.head.linear",
        *(f"adversary.{layer}" for layer in ("body.0", "body.2", "last")),
    }
    prefix = "detector.encoder.backbone.visual.transformer.resblocks.23."
    assert all(name.startswith(prefix) for name in names if ".resblocks." in name)
    assert embedding_shape(taught.kept) == (2, 768)


@pytest.mark.parametrize("preset", ["sjedd-vitb32", "sagnet-vitl14"], indirect=True)
def test_pictures_are_normalised_as_clip_expects(preset: Config) -> None:
    published = objective(preset).kept.encoder.backbone.pretrained_cfg
    assert published["mean"] == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)
    assert published["std"] == pytest.approx((0.2686, 0.2613, 0.2758), abs=1e-4)
