import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from unmask.errors import UnmaskError
from unmask.models.export import ExportModule
from unmask.serving.export import check_same, export_onnx

SIZE = 32


@pytest.fixture(scope="module")
def exported(tiny_detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(ExportModule(tiny_detector), path, size_px=SIZE)
    return path


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)


def test_onnx_says_what_torch_says(tiny_detector, exported, crops):
    assert check_same(tiny_detector, exported, crops) < 1e-4


def test_every_output_is_there_and_agrees(tiny_detector, exported, crops):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        pictures = torch.from_numpy(crops).permute(0, 3, 1, 2) / 255
        expected = tiny_detector(pictures)
        places = tiny_detector.activation_map(pictures)
    found = dict(zip([item.name for item in session.get_outputs()], session.run(None, {"image": crops}), strict=True))
    assert list(found) == ["logit", "scores", "marginals", "embedding", "map"]
    for name in ("scores", "marginals", "embedding"):
        np.testing.assert_allclose(found[name], getattr(expected, name), atol=1e-4)
    np.testing.assert_allclose(found["map"], places, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_size_runs(exported, crops, batch):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    crops = np.resize(crops, (batch, SIZE, SIZE, 3))
    assert session.run(["logit"], {"image": crops})[0].shape == (batch,)


def test_a_model_of_other_weights_is_noticed(tiny_detector, exported, crops, tmp_path):
    model = onnx.load(exported)
    bias = next(item for item in model.graph.initializer if item.name == "bias")
    shifted = onnx.numpy_helper.to_array(bias).copy()
    shifted[0] += 1.0
    bias.CopyFrom(onnx.numpy_helper.from_array(shifted, "bias"))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(UnmaskError, match="differ from torch's by 1"):
        check_same(tiny_detector, tmp_path / "model.onnx", crops)


def test_equal_models_give_equal_bytes_that_name_no_path(tiny_detector, exported, tmp_path):
    export_onnx(ExportModule(tiny_detector), tmp_path / "again.onnx", size_px=SIZE)
    data = exported.read_bytes()
    assert (tmp_path / "again.onnx").read_bytes() == data
    assert b".py" not in data


def test_the_exporter_keeps_quiet(tiny_detector, tmp_path, capfd):
    export_onnx(ExportModule(tiny_detector), tmp_path / "model.onnx", size_px=SIZE)
    assert capfd.readouterr() == ("", "")
