"""The stage's work end to end with untrained tiny detectors on drawn crops."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.datasets import checkered, row, write_dataset
from unmask.config import Config, load_config
from unmask.data.decode import decode_image
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.errors import DataError
from unmask.evaluation.comparison.sides import read_side
from unmask.evaluation.evaluate import Inputs, evaluate, scored_rows
from unmask.evaluation.predict import BATCH, predict
from unmask.evaluation.record import read_run
from unmask.evaluation.report.page import write_report
from unmask.files import sha256_of, write_json
from unmask.labels.graph import FFPP
from unmask.models.detector import Detector, create_detector, detector_spec, save_detector

ROOT = Path(__file__).parents[2]
SMALL = ["preprocess.size_px=20", "preprocess.window_px=24", "encoder.args={}", "scale.device=cpu"]


def _detector(config: Config, seed: int) -> Detector:
    torch.manual_seed(seed)
    return create_detector(
        detector_spec(
            encoder=config.encoder,
            head="linear",
            labels=config.labels,
            attributes=True,
            text=config.teach.text,
            preprocess=config.preprocess,
        )
    ).eval()


def _rows() -> list[dict]:
    plan = [("train", 8), ("val", 48), ("test", 64)]
    rows: list[dict] = []
    for split, count in plan:
        for n in range(count):
            label = "real" if n % 2 else "fake"
            rows.append(row(len(rows), label=label, split=split, labelled=True))
            if split == "test" and label == "fake" and n % 4 == 0:
                rows[-1]["generator"] = "warp"
            if split == "test" and label == "fake":
                rows[-1]["mask_key"] = rows[-1]["key"].replace(".png", ".mask.png")
    rows += [row(len(rows) + n, label="unlabelled", split="train", labelled=False) for n in range(4)]
    return rows


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT, [*SMALL, "evaluate.bootstrap=50", "evaluate.worst=4"])


def _one_looks_forged(index: int, label: str) -> np.ndarray:
    """One test real looks like a fake, so that even a detector that tells them apart gets something wrong."""
    odd = next(n for n, each in enumerate(_rows()) if each["split"] == "test" and each["label"] == "real")
    return checkered(index, "fake" if index == odd else label)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Inputs:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("pipeline")
    write_dataset(root, _rows(), _one_looks_forged, n_labels=10)
    for seed, name in enumerate(("student", "teacher")):
        save_detector(root / name, _detector(config, seed), {})
    pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5]}).to_csv(root / "student/history.csv", index=False)
    pooled = {"source": "pooled", "generator": "pooled", "reference": "all reals", "auc": 0.6, "auc_with_chroma": 0.8}
    warp = {"source": "s", "generator": "warp", "reference": "s", "auc": 0.7, "auc_with_chroma": None}
    write_json(root / "validation/shortcut.json", {"rows": [warp, pooled]})
    write_json(root / "validation/validation.json", {"soft": []})
    return Inputs(root / "dataset", root / "expanded", root / "validation", root, root / "data.dvc", root / "data")


@pytest.fixture(scope="module")
def out(inputs: Inputs, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    assert "64 test crops" in evaluate(config, inputs, out=folder)
    return folder


@pytest.fixture(scope="module")
def predictions(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "evaluation/predictions.parquet")


def test_both_candidates_are_judged_on_the_same_labelled_rows(predictions: pd.DataFrame) -> None:
    ids = {name: rows["image_id"].tolist() for name, rows in predictions.groupby("candidate")}
    assert ids["student"] == ids["teacher"]
    assert len(ids["student"]) == 48 + 64
    assert set(predictions["label"]) == {"real", "fake"}


def test_predictions_hold_what_later_stages_read(predictions: pd.DataFrame) -> None:
    wanted = (
        "candidate image_id split source batch generator label group domain seen clip logit p_fake verdict marginals"
    )
    assert set(wanted.split()) <= set(predictions.columns)
    packaged = predictions["candidate"] == "student"
    assert predictions.loc[packaged, "embedding"].notna().all()
    assert predictions.loc[~packaged, "embedding"].isna().all()
    assert predictions["p_fake"].between(0, 1).all()


def test_a_generator_without_a_training_picture_is_unseen(predictions: pd.DataFrame) -> None:
    assert set(predictions.loc[~predictions["seen"], "generator"]) == {"warp"}


def test_a_generator_whose_training_labels_are_all_hidden_is_not_unseen() -> None:
    rows = _rows()
    rows[0] |= {"generator": "warp", "labelled": False}
    assert scored_rows(pd.DataFrame(rows))["seen"].all()


def test_the_same_inputs_give_the_same_bytes(inputs: Inputs, config: Config, out: Path, tmp_path: Path) -> None:
    evaluate(config, inputs, out=tmp_path)
    for path in sorted(out.rglob("*.*")):
        assert (tmp_path / path.relative_to(out)).read_bytes() == path.read_bytes(), path.name


def test_test_rows_choose_neither_temperature_nor_thresholds(
    inputs: Inputs, config: Config, out: Path, tmp_path: Path
) -> None:
    rows = _rows()
    kept = [each for n, each in enumerate(rows) if each["split"] != "test" or n % 4]
    write_dataset(tmp_path / "less", kept, lambda index, label: checkered(rows.index(kept[index]), label), n_labels=10)
    less = dataclasses.replace(inputs, dataset=tmp_path / "less/dataset", expanded=tmp_path / "less/expanded")
    evaluate(config, less, out=tmp_path)
    assert (tmp_path / "evaluation/calibration.json").read_bytes() == (out / "evaluation/calibration.json").read_bytes()


def test_metrics_name_their_data_and_stay_small(out: Path) -> None:
    metrics = json.loads((out / "metrics.json").read_text())
    assert {"note", "data_md5", "params_sha", "shortcut", "student", "teacher"} == set(metrics)
    assert set(metrics["student"]["auc_seen"]) >= {"value", "low", "high", "n_real", "n_fake"}
    assert metrics["shortcut"] == {"pooled": 0.6, "with_chroma": 0.8}
    bare = json.loads((out / "headline.json").read_text())
    assert bare["student"]["auc_seen"] == metrics["student"]["auc_seen"]["value"]


def test_explanations_are_measured_and_stand_in_the_metrics(out: Path) -> None:
    found = json.loads((out / "evaluation/explanations.json").read_text())
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("student", "teacher"):
        labels = {row["label"]: row for row in found[name]["attributes"]}
        assert list(labels) == [*FFPP.names, "mean"]
        assert labels["eye"]["all"]["altered"] == labels["eye"]["all"]["intact"] == 32
        assert labels["eye"]["fakes"]["reason"] == "only 0 intact"
        rows = {row["name"]: row for row in found[name]["pointing"]["rows"]}
        assert {key: row["fakes"] for key, row in rows.items()} == {"all": 32, "faceswap": 16, "warp": 16}
        assert metrics[name]["pointing_hit"]["value"] == rows["all"]["hit"]["value"]
        # Half of a crop of 20 px is masked, and one row more lies within the tolerance.
        assert rows["all"]["chance"]["value"] == pytest.approx(11 / 20, abs=1e-4)


def test_plots_and_the_generator_table_are_readable(out: Path) -> None:
    folder = out / "evaluation"
    roc = pd.read_csv(folder / "roc.csv")
    assert roc["fpr"].is_monotonic_increasing
    assert roc["student_seen"].iloc[-1] == 1.0
    assert pd.read_csv(folder / "reliability.csv")["ideal"].between(0, 1).all()
    generators = pd.read_csv(folder / "generators.csv").set_index("generator")
    assert generators.loc["s/warp", "shortcut_auc"] == 0.7
    assert generators["kind"].to_dict() == {"s/faceswap": "seen", "s/warp": "unseen"}


def test_tiers_are_written_though_no_original_is_there(out: Path) -> None:
    tiers = json.loads((out / "evaluation/tiers.json").read_text())
    assert [row["name"] for row in tiers["teacher"]] == ["clean", "web", "hard"]
    assert {row["missing"] for rows in tiers.values() for row in rows} == {64}
    assert len(pd.read_csv(out / "evaluation/tiers_missing.csv")) == 64
    assert any("web and hard tiers are not measured" in line for line in read_run(out / "evaluation").unknown)


def test_what_a_comparison_reads_is_written(out: Path) -> None:
    folder = out / "evaluation"
    assert set(pd.read_csv(folder / "coverage.csv")["candidate"]) == {"student", "teacher"}
    calibrations = json.loads((folder / "calibration.json").read_text())
    for name in ("student", "teacher"):
        check = calibrations[name]["check"]["fake"]
        assert check["promised"] == calibrations[name]["fake"]["promised"]
        assert check["test"]["n_real"] == 32
        assert read_side(folder, candidate=name).regression == []


def test_the_report_shows_thumbnails_of_mistakes(out: Path) -> None:
    text = (out / "evaluation/report.html").read_text()
    assert 2 <= text.count("data:image/jpeg;base64,") <= 8


def test_the_report_can_be_rendered_again_from_the_folder_alone(out: Path, tmp_path: Path) -> None:
    write_report(out / "evaluation", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (out / "evaluation/report.html").read_bytes()


def test_the_run_says_what_was_measured_on_what(out: Path, inputs: Inputs) -> None:
    run, metrics = read_run(out / "evaluation"), json.loads((out / "metrics.json").read_text())
    assert run.candidates == ["student", "teacher"]
    assert (run.data_md5, run.params_sha, run.shortcut) == tuple(
        metrics[name] for name in ("data_md5", "params_sha", "shortcut")
    )
    assert run.models["student"] == sha256_of(inputs.models / "student/model.safetensors")
    assert sum(source.test for source in run.sources) == 64


def test_predictions_come_in_the_order_of_their_keys(inputs: Inputs, config: Config) -> None:
    detector = _detector(config, 0)
    keys = read_manifest(inputs.dataset / "manifest.parquet")["key"].tolist()
    assert len(keys) > BATCH
    found = predict(detector, keys, inputs.dataset, device="cpu", workers=2, what="test")
    reader, spec = ShardReader(inputs.dataset), PreprocessSpec(20, 24, shrink=True)
    for index in (0, BATCH - 1, BATCH, len(keys) - 1):
        pixels = torch.from_numpy(crop(decode_image(reader.read(keys[index])), spec))
        with torch.inference_mode():
            alone = detector(pixels.permute(2, 0, 1)[None].float() / 255)
        assert found.logit[index] == pytest.approx(float(alone.logit[0]), abs=1e-5)
        assert found.marginals[index] == pytest.approx(alone.marginals[0].numpy(), abs=1e-5)
    assert found.embedding.shape == (len(keys), detector.embed_dim)
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_missing_split_is_an_error_with_a_remedy(inputs: Inputs, split: str) -> None:
    manifest = read_manifest(inputs.dataset / "manifest.parquet")
    with pytest.raises(DataError, match=f"{split}_fraction"):
        scored_rows(manifest[manifest["split"] != split])


def test_rows_with_a_hidden_label_are_not_scored(inputs: Inputs) -> None:
    manifest = read_manifest(inputs.dataset / "manifest.parquet")
    hidden = manifest["image_id"] == manifest.loc[manifest["split"] == "test", "image_id"].iloc[0]
    assert len(scored_rows(manifest.assign(labelled=manifest["labelled"] & ~hidden))) == 48 + 63


def test_a_missing_candidate_is_named(inputs: Inputs, config: Config, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="student"):
        evaluate(config, dataclasses.replace(inputs, models=tmp_path), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
