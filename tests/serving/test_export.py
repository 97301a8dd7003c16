import numpy as np
import onnx
import onnxruntime
import pytest

from unmask.errors import UnmaskError
from unmask.models.export import ExportModule
from unmask.serving.bundle import OUTPUTS
from unmask.serving.export import check_same, export_onnx, onnx_logits, torch_outputs

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


def test_every_output_is_there(exported):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    assert [item.name for item in session.get_outputs()] == list(OUTPUTS)


def test_logits_come_batch_by_batch(tiny_detector, exported, crops):
    expected = torch_outputs(tiny_detector, crops)["logit"]
    np.testing.assert_allclose(onnx_logits(exported, iter([crops[:2], crops[2:]])), expected, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_size_runs(exported, crops, batch):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    crops = np.resize(crops, (batch, SIZE, SIZE, 3))
    assert session.run(["logit"], {"image": crops})[0].shape == (batch,)


def _shifted(exported, target, name, by):
    """The exported model with BY added to one of its outputs."""
    model = onnx.load(exported)
    for node in model.graph.node:
        for names in (node.input, node.output):
            for at, each in enumerate(names):
                if each == name:
                    names[at] = "before"
    model.graph.node.append(onnx.helper.make_node("Add", ["before", "shift"], [name]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(by, np.float32), "shift"))
    onnx.save(model, target)
    return target


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_differs_is_named(tiny_detector, exported, crops, tmp_path, name):
    for by, apart in ((1.0, True), (3e-4, True), (1e-6, False)):
        spoilt = _shifted(exported, tmp_path / "model.onnx", name, by)
        if apart:
            with pytest.raises(UnmaskError, match=f"its {name} differs from torch's by"):
                check_same(tiny_detector, spoilt, crops)
        else:
            check_same(tiny_detector, spoilt, crops)


def test_equal_models_give_equal_bytes_that_name_no_path(tiny_detector, exported, tmp_path):
    export_onnx(ExportModule(tiny_detector), tmp_path / "again.onnx", size_px=SIZE)
    data = exported.read_bytes()
    assert (tmp_path / "again.onnx").read_bytes() == data
    assert b".py" not in data


def test_the_exporter_keeps_quiet(tiny_detector, tmp_path, capfd):
    export_onnx(ExportModule(tiny_detector), tmp_path / "model.onnx", size_px=SIZE)
    assert capfd.readouterr() == ("", "")
