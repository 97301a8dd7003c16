import dataclasses
import json
from pathlib import Path

import pytest
import torch

from tests.models.specs import tiny_spec
from unmask.config import Labels
from unmask.errors import ConfigError, DataError
from unmask.models.detector import Detector, DetectorSpec, Head, create_detector, load_detector, save_detector
from unmask.models.joint import JointHead


@pytest.mark.parametrize("head", ["joint", "linear"])
@pytest.mark.parametrize("graph", ["ffpp", "ffsc", "binary"])
def test_an_untrained_detector_is_undecided(head: Head, graph: str, pictures: torch.Tensor) -> None:
    torch.manual_seed(1)
    built = create_detector(tiny_spec(head, graph=graph)).eval()
    with torch.no_grad():
        p_fake = built(pictures).marginals[:, 0]
    assert 0.3 < p_fake.mean().item() < 0.7


def test_shapes(detector: Detector, pictures: torch.Tensor) -> None:
    output = detector(pictures)
    shapes = [tuple(part.shape) for part in output]
    assert shapes == [(3, detector.embed_dim), (3, 10), (3, 10), (3, 251), (3,)]


def test_the_joint_score_is_the_plain_product_over_ten(pictures: torch.Tensor) -> None:
    built = create_detector(tiny_spec("joint")).eval()
    assert isinstance(built.head, JointHead)
    output = built(pictures)
    product = built.head.projection(output.embedding) @ built.head.sentences().T
    torch.testing.assert_close(output.scores, product / 10 + built.head.offset)


def test_scores_keep_their_precision_under_autocast(detector: Detector) -> None:
    embedding = torch.randn(4, detector.embed_dim)
    with torch.autocast("cpu", torch.bfloat16):
        under = detector.head(embedding)
    assert under.dtype == torch.float32
    torch.testing.assert_close(under, detector.head(embedding), atol=1e-5, rtol=1e-5)


def test_the_map_of_a_detector_without_attributes_averages_to_its_logit(pictures: torch.Tensor) -> None:
    built = create_detector(tiny_spec("joint", graph="binary")).eval()
    found = built.activation_map(pictures)
    assert found.dim() == 3
    torch.testing.assert_close(found.mean(dim=(1, 2)), built(pictures).logit, atol=1e-5, rtol=1e-4)


def test_a_place_of_the_map_is_judged_as_if_it_filled_the_picture(detector: Detector, pictures: torch.Tensor) -> None:
    features = detector.encoder.features(pictures)
    row, column = 0, features.shape[3] - 1
    filled = features[:, :, row : row + 1, column : column + 1].expand_as(features)
    alone = detector.states(detector.head(detector.encoder.pool(filled))).logit
    torch.testing.assert_close(detector.activation_map(pictures)[:, row, column], alone, atol=1e-5, rtol=1e-4)


def test_spec_survives_json() -> None:
    spec = tiny_spec("joint")
    assert DetectorSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_spec_of_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="encoder"):
        DetectorSpec.from_json({"name": "x"})


def test_an_unknown_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"labels\.graph"):
        create_detector(dataclasses.replace(tiny_spec("linear"), labels=Labels("ffhq", True)))


def test_saved_detectors_come_back(tmp_path: Path, detector: Detector, pictures: torch.Tensor) -> None:
    save_detector(tmp_path, detector, {"epochs": 3})
    again = load_detector(tmp_path)
    assert again.spec == detector.spec
    assert not again.training
    for found, wanted in zip(again(pictures), detector(pictures), strict=True):
        torch.testing.assert_close(found, wanted, atol=0, rtol=0)
    assert json.loads((tmp_path / "model.json").read_text())["extra"] == {"epochs": 3}


def test_a_missing_or_damaged_file_is_named(tmp_path: Path, detector: Detector) -> None:
    with pytest.raises(DataError, match=r"model\.json: missing"):
        load_detector(tmp_path)
    save_detector(tmp_path, detector, {})
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(DataError, match=r"model\.safetensors: damaged"):
        load_detector(tmp_path)
    weights.unlink()
    with pytest.raises(DataError, match=r"model\.safetensors: missing"):
        load_detector(tmp_path)
