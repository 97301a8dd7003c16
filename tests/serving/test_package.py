import dataclasses
import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.evaluation.report.folder import judged, write_evaluation
from tests.imports import PACKAGE, closure
from unmask.config import Evaluate, load_config
from unmask.data.manifest import MANIFEST_SCHEMA, write_manifest
from unmask.data.shards import ShardWriter
from unmask.errors import ConfigError, DataError
from unmask.files import write_json
from unmask.models.detector import save_detector
from unmask.serving.bundle import load_bundle
from unmask.serving.package import package
from unmask.serving.runtime import Runtime
from unmask.stages.package import main

SETTINGS = Evaluate(bootstrap=20, confidence=0.95, fake_fpr=0.02, real_miss=0.05, worst=4)
CALIBRATION = {
    "temperature": 1.5,
    "thresholds": {"fake": 0.9, "real": 0.2, "fake_fpr": 0.02, "real_miss": 0.05, "n_real": 249, "n_fake": 201},
    "fake": {"meant": 0.02, "promised": 0.04, "rows": 249, "independent": 249, "note": ""},
    "real": {"meant": 0.05, "promised": 0.08, "rows": 201, "independent": 201, "note": ""},
    "notes": ["a remark"],
}
METRICS = {
    "note": "smoke test",
    "data_md5": "0123456789abcdef0123456789abcdef.dir",
    "params_sha": "0" * 12,
    "shortcut": {"pooled": 0.61},
    "student": {"auc_seen": {"value": 0.91, "low": 0.88, "high": 0.94, "n_real": 240, "n_fake": 200}},
}


def write_dataset(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    with ShardWriter(folder / "crops-0.zip") as shard:
        for number in range(6):
            stream = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(stream, "PNG")
            name = f"{number:016x}"
            shard.write(f"{name}.png", stream.getvalue())
            split = "test" if number % 2 else "train"
            rows.append({"image_id": name, "key": f"crops-0.zip/{name}.png", "split": split, "phash": name})
    blank = {"string": "", "bool": True, "int32": 64, "int64": 1, "double": 0.0}
    filled = {field.name: blank.get(str(field.type)) for field in MANIFEST_SCHEMA}
    filled |= {"label": "real", "generator": "camera", "source": "drawn", "attributes": "{}", "attribute_mask": "[]"}
    write_manifest(folder / "manifest.parquet", pd.DataFrame([filled | row for row in rows]))


@pytest.fixture(scope="module")
def root(project, tiny_detector, tmp_path_factory):
    """A project in which every stage before `package` has run."""
    root = tmp_path_factory.mktemp("project")
    for name in ("bentofile.yaml", "params.yaml", "requirements-serve.lock"):
        shutil.copy(project / name, root)
    shutil.copytree(project / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data").mkdir()
    (root / "data/private.jpg").write_bytes(b"private")
    write_dataset(root / "build/dataset")
    save_detector(root / "build/student", tiny_detector, {})
    write_evaluation(root / "build/evaluation", judged(SETTINGS), SETTINGS)
    write_json(root / "build/evaluation/calibration.json", {"student": CALIBRATION, "teacher": CALIBRATION})
    write_json(root / "build/metrics.json", METRICS)
    return root


@pytest.fixture(scope="module")
def config(project):
    config = load_config(project)
    assemble = dataclasses.replace(config.assemble, max_side_px=64, min_side_px=24)
    # What int8 costs is another module's to test; here one trained by nobody would only cost time.
    return dataclasses.replace(config, assemble=assemble, package=dataclasses.replace(config.package, int8="never"))


@pytest.fixture(scope="module")
def summary(config, root):
    return package(config, root=root)


@pytest.fixture(scope="module")
def bundle_folder(root, summary):
    return root / "build/package/bundle"


def test_the_summary_names_version_size_difference_and_latency(summary, bundle_folder):
    assert summary.startswith(f"student {load_bundle(bundle_folder).version}, float32, bundle ")
    assert all(word in summary for word in (" MB, ", "ONNX against torch at most ", " ms a crop"))


def test_the_bundle_serves(bundle_folder, tiny_detector):
    answer = Runtime(bundle_folder).predict([Image.new("RGB", (64, 64), "grey")])[0]
    assert 0.0 < answer.p_fake < 1.0
    assert len(answer.embedding) == tiny_detector.embed_dim


def test_the_bundle_says_where_it_comes_from(bundle_folder, config):
    bundle = load_bundle(bundle_folder)
    assert bundle.data.md5 == METRICS["data_md5"]
    assert (bundle.data.sources, bundle.data.note) == (["drawn"], "smoke test")
    assert bundle.calibration.temperature == 1.5
    assert bundle.calibration.notes == ["a remark"]
    assert bundle.params["teach"]["epochs"] == config.teach.epochs
    assert {"scale", "promote"}.isdisjoint(bundle.params)
    assert len(bundle.prompts) == len(bundle.graph.labels) == 10
    assert len(bundle.self_test) == config.package.self_test_rows


def test_the_card_shows_the_shortcut_beside_the_metrics(bundle_folder):
    card = (bundle_folder / "CARD.md").read_text()
    assert "| AUC, seen generators | 0.910 | 0.880 to 0.940 | 240 | 200 |" in card
    assert "| AUC of file statistics alone, all fakes | 0.610 |" in card
    assert "> **smoke test**" in card


def test_no_file_of_the_bundle_is_a_pickle_or_names_a_path(bundle_folder):
    for path in bundle_folder.iterdir():
        data = path.read_bytes()
        assert not data.startswith(b"\x80")
        assert str(bundle_folder.parents[2]).encode() not in data


def test_the_bento_holds_what_the_service_needs_and_the_bundle_and_nothing_else(root, summary, bundle_folder):
    with tarfile.open(root / "build/package/unmask.bento") as archive:
        files = {
            item.name.removeprefix("./src/") for item in archive if item.isfile() and item.name.startswith("./src/")
        }
    code = {str(file.relative_to(PACKAGE.parent)) for file in closure(PACKAGE / "serving/service.py")}
    bundle = {f"build/package/bundle/{path.name}" for path in bundle_folder.iterdir()}
    assert files == code | bundle | {"bentofile.yaml", "params.yaml"}


def test_the_bento_serves_from_any_folder(root, bundle_folder, serve, wait_until_it_answers, tmp_path):
    with tarfile.open(root / "build/package/unmask.bento") as archive:
        # Python has the filter from 3.11.4 on.
        harmless = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path / "bento", **harmless)  # noqa: S202  (written by this very test)
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(stream, "JPEG")
    with serve(str(tmp_path / "bento"), cwd=tmp_path) as (process, client, _):
        wait_until_it_answers(process, client)
        answer = client.post("/predict", files={"images": ("a.jpg", stream.getvalue(), "image/jpeg")})
    assert answer.json()["model_version"] == load_bundle(bundle_folder).version


def test_the_bento_installs_the_pinned_packages_only(root, summary, project):
    with tarfile.open(root / "build/package/unmask.bento") as archive:
        member = archive.extractfile("./env/python/requirements.txt")
        wanted = {line.partition("#")[0].strip() for line in member.read().decode().splitlines()} - {""}
    lock = (project / "requirements-serve.lock").read_text()
    pinned = {line.strip() for line in lock.splitlines() if not line.startswith("#")}
    assert wanted == pinned


def test_packaging_leaves_nothing_beside_its_outputs(root, summary):
    assert {path.name for path in (root / "build/package").iterdir()} == {"bundle", "unmask.bento"}


def test_the_serve_lock_agrees_with_the_lock_and_holds_no_torch(project):
    everything = (project / "requirements.lock").read_text().splitlines()
    pins = {line.partition(" ")[0] for line in everything if "==" in line}
    served = {line for line in (project / "requirements-serve.lock").read_text().splitlines() if "==" in line}
    names = {pin.partition("==")[0] for pin in served}
    assert {pin.partition(" ;")[0] for pin in served} <= pins
    assert {"bentoml", "onnxruntime", "numpy", "pillow"} <= names
    assert not {"torch", "pandas", "timm", "hydra-core"} & names


def test_an_unknown_candidate_is_named(config, root):
    other = dataclasses.replace(config, package=dataclasses.replace(config.package, candidate="cousin"))
    with pytest.raises(ConfigError, match=r"package\.candidate: 'cousin'"):
        package(other, root=root)


@pytest.mark.parametrize(
    "name",
    [
        "build/metrics.json",
        "build/evaluation/calibration.json",
        "build/evaluation/predictions.parquet",
        "build/student/model.json",
    ],
)
def test_a_missing_input_is_named_and_leaves_no_half_bundle(config, root, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("src", "package"))
    (copy / name).unlink()
    with pytest.raises(DataError, match=name):
        package(config, root=copy)
    assert not list((copy / "build").glob("package/*"))


def test_calibration_of_another_candidate_is_no_calibration(config, root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("src", "package"))
    write_json(copy / "build/evaluation/calibration.json", {"teacher": CALIBRATION})
    with pytest.raises(DataError, match="'student'"):
        package(config, root=copy)


def test_the_stage_fails_with_one_line_where_nothing_was_trained(project, tmp_path, monkeypatch, capsys):
    shutil.copy(project / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["package.py"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("package: error: build/student/model.json: missing")
    assert len(said.splitlines()) == 1


def test_the_description_is_sorted_so_that_versions_can_be_compared(bundle_folder):
    text = (bundle_folder / "bundle.json").read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
