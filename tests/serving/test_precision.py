import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.datasets import checkered, row, write_dataset
from unmask.config import Config, load_config
from unmask.data.manifest import read_manifest
from unmask.errors import ConfigError, DataError
from unmask.evaluation.predict import spec_of
from unmask.files import sha256_of
from unmask.models.export import ExportModule
from unmask.serving.export import export_onnx, onnx_logits
from unmask.serving.precision import Evaluated, choose_precision, crops_of
from unmask.serving.quantise import encoder_nodes

CALIBRATION = {"temperature": 123.0}
METRICS = {"auc_seen": {"value": 0.123}, "pointing_hit": {"value": 0.5}}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    plan = [("train", 16), ("val", 40), ("test", 40)]
    rows = []
    for split, count in plan:
        for number in range(count):
            label = "real" if number % 2 else "fake"
            rows.append(row(len(rows), label=label, split=split, labelled=True))
    return write_dataset(tmp_path_factory.mktemp("build"), rows, checkered, n_labels=10)[0]


@pytest.fixture(scope="module")
def exported(tiny_detector, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    export_onnx(ExportModule(tiny_detector), path, size_px=tiny_detector.spec.preprocess.size_px)
    return path


@pytest.fixture
def model(exported, tmp_path) -> Path:
    """A copy of the float model, to be replaced."""
    (tmp_path / "model.onnx").write_bytes(exported.read_bytes())
    return tmp_path / "model.onnx"


@pytest.fixture(scope="module")
def evaluated(dataset, exported, tiny_detector) -> Evaluated:
    rows = read_manifest(dataset / "manifest.parquet")
    rows = rows[rows["split"] != "train"].reset_index(drop=True)
    logit = onnx_logits(exported, crops_of(rows["key"].tolist(), dataset, spec_of(tiny_detector), 1))
    table = rows.assign(logit=logit, p_fake=0.5, verdict="uncertain", seen=True)
    return Evaluated(table, CALIBRATION, METRICS)


@pytest.fixture(scope="module")
def config(project) -> Config:
    return load_config(
        project, ["evaluate.bootstrap=20", "scale.workers=1", "package.int8=auto", "package.max_auc_loss=1.0"]
    )


@pytest.fixture
def choose(model, evaluated, dataset, tiny_detector, config):
    def run(**changes):
        settings = dataclasses.replace(config, package=dataclasses.replace(config.package, **changes))
        return choose_precision(model, evaluated, dataset=dataset, spec=spec_of(tiny_detector), config=settings)

    return run


def _weights_of_convolutions(path: Path) -> set[str]:
    """The operators that the convolutions' weights come from."""
    graph = onnx.load(path).graph
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    return {made_by.get(node.input[1], "a constant") for node in graph.node if node.op_type == "Conv"}


def test_int8_takes_the_models_place_with_a_calibration_of_its_own(choose, model, exported, dataset, tiny_detector):
    served = choose()
    assert served.precision.served == "int8"
    assert model.stat().st_size < exported.stat().st_size
    assert _weights_of_convolutions(exported) == {"a constant"}
    assert _weights_of_convolutions(model) == {"DequantizeLinear"}
    assert served.calibration["temperature"] != CALIBRATION["temperature"]
    assert served.metrics["auc_seen"]["n_real"] == 20
    assert "pointing_hit" not in served.metrics  # it was measured in float32

    rows = read_manifest(dataset / "manifest.parquet")
    reals = rows[(rows["split"] == "val") & (rows["label"] == "real")]["key"].tolist()
    logits = onnx_logits(model, crops_of(reals, dataset, spec_of(tiny_detector), 1))
    threshold = served.calibration["thresholds"]["fake"]
    assert (1 / (1 + np.exp(-logits / served.calibration["temperature"])) > threshold + 1e-9).sum() == 0


def test_what_was_measured_is_told(choose):
    precision = choose().precision
    measured = precision.measured
    assert measured["megabytes_int8"] < measured["megabytes_float32"]
    assert measured["verdicts_changed"] > 0  # the ones before were all uncertain
    for split in ("validation", "test"):
        assert f"{split} AUC {measured[f'{split}_auc_int8']:.4f} in int8" in precision.reason


def test_a_fall_of_validation_auc_keeps_the_float_model(choose, model, exported):
    served = choose(max_auc_loss=-1.0)  # int8 would have to be better by 1
    assert served.precision.served == "float32"
    assert "package.max_auc_loss" in served.precision.reason
    assert {"validation_auc_int8", "validation_auc_float32"} <= set(served.precision.measured)
    assert (served.calibration, served.metrics) == (CALIBRATION, METRICS)
    assert sha256_of(model) == sha256_of(exported)
    assert [path.name for path in model.parent.iterdir()] == ["model.onnx"]


def test_int8_can_be_switched_off(choose, model, exported):
    served = choose(int8="never")
    assert (served.precision.served, served.precision.measured) == ("float32", {})
    assert sha256_of(model) == sha256_of(exported)


def test_an_unknown_choice_is_named(choose):
    with pytest.raises(ConfigError, match=r"package\.int8: 'always'"):
        choose(int8="always")


def test_predictions_of_other_data_are_named(model, evaluated, dataset, tiny_detector, config):
    other = dataclasses.replace(evaluated, predictions=evaluated.predictions.assign(image_id="f" * 16))
    with pytest.raises(DataError, match="no row ffffffffffffffff"):
        choose_precision(model, other, dataset=dataset, spec=spec_of(tiny_detector), config=config)


def test_only_the_encoder_is_quantised(exported):
    model = onnx.load(exported)
    chosen = set(encoder_nodes(model))
    convolutions = {node.name for node in model.graph.node if node.op_type == "Conv"}
    assert convolutions
    assert convolutions <= chosen
    assert not {node.name for node in model.graph.node if node.op_type == "MatMul"} & chosen
    first = next(at for at, node in enumerate(model.graph.node) if node.op_type == "Conv")
    assert not {node.name for node in model.graph.node[:first]} & chosen
