from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from unmask.models.detector import Detector
from unmask.models.export import ExportModule


@pytest.fixture(scope="session")
def session(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> onnxruntime.InferenceSession:
    path: Path = tmp_path_factory.mktemp("export") / "model.onnx"
    torch.onnx.export(
        ExportModule(detector),
        (torch.zeros(2, 64, 64, 3, dtype=torch.uint8),),
        path,
        dynamo=True,
        external_data=False,
        verbose=False,
        input_names=["image"],
        output_names=list(ExportModule.OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
    )
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("batch", [1, 5])
def test_the_exported_network_computes_the_same(
    detector: Detector, session: onnxruntime.InferenceSession, batch: int
) -> None:
    """U-E7."""
    images = np.random.default_rng(0).integers(0, 256, (batch, 64, 64, 3), dtype=np.uint8)
    found = dict(zip(ExportModule.OUTPUTS, session.run(list(ExportModule.OUTPUTS), {"image": images}), strict=True))
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        output, heat = detector(pictures), detector.activation_map(pictures)
    for name, wanted in (("logit", output.logit), ("scores", output.scores), ("marginals", output.marginals)):
        np.testing.assert_allclose(found[name], wanted.numpy(), atol=1e-4)
    np.testing.assert_allclose(found["embedding"], output.embedding.numpy(), atol=1e-4)
    np.testing.assert_allclose(found["map"], heat.numpy(), atol=1e-4)


def test_sentences_are_constants(detector: Detector) -> None:
    assert not any("sentences" in name for name in ExportModule(detector).state_dict())
