"""The whole way: originals to files, with untrained tiny detectors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.evaluation.tiers.conftest import Collect, Collection
from tests.spots import scene
from unmask.config import Config
from unmask.evaluation.calibration import Calibration, Promise
from unmask.evaluation.measure import Candidate
from unmask.evaluation.predict import predict
from unmask.evaluation.tiers.run import SCORES, Tiered, measure_all
from unmask.evaluation.tiers.tables import write_tiers
from unmask.models.detector import Detector, create_detector, detector_spec, load_detector, save_detector
from unmask.serving.verdict import Thresholds

NAMES = ("student", "teacher")


def _detector(config: Config, seed: int) -> Detector:
    torch.manual_seed(seed)
    made = {"encoder": config.encoder, "head": "linear", "labels": config.labels, "attributes": True}
    return create_detector(detector_spec(**made, text=config.teach.text, preprocess=config.preprocess)).eval()


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, collect: Collect) -> Collection:
    """Fourteen reals and as many fakes, all of them test rows of their own groups."""
    root = tmp_path_factory.mktemp("album")
    for number in range(28):
        folder = root / "pictures/news" / ("fake/swap" if number % 2 else "real/camera")
        folder.mkdir(parents=True, exist_ok=True)
        scene([], seed=number, size=(90, 80)).save(folder / f"{number}.png")
    made = collect(root)
    rows = made.manifest.assign(split="test", labelled=True, group=[f"g{n}" for n in range(28)])
    return replace(made, manifest=rows)


@pytest.fixture(scope="module")
def settings(config: Config) -> Config:
    tiers = replace(config.evaluate.tiers, sweeps={"jpeg": [50.0], "scale": [0.5]})
    return replace(config, evaluate=replace(config.evaluate, tiers=tiers))


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    promise = Promise(0.02, 0.05, 10, 10, "")
    calibration = Calibration(1.0, Thresholds(fake=0.51, real=0.49), promise, promise, ())
    return [Candidate(name, calibration, pd.DataFrame(), []) for name in NAMES]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(NAMES):
        save_detector(folder / name, _detector(config, seed), {})
    return folder


@pytest.fixture(scope="module")
def tiered(settings: Config, album: Collection, candidates: list[Candidate], models: Path) -> Tiered:
    return measure_all(settings, album.manifest, candidates, models=models, data=album.data)


def test_clean_alone_is_no_degradation(tiered: Tiered) -> None:
    clean = {name: [row for row in rows if row["name"] == "clean"] for name, rows in tiered.rows.items()}
    assert tiered.degraded
    assert not replace(tiered, rows=clean).degraded


def test_clean_scores_are_those_of_the_stored_crops(
    tiered: Tiered, settings: Config, album: Collection, models: Path
) -> None:
    for name in NAMES:
        clean = tiered.scores[(tiered.scores["candidate"] == name) & (tiered.scores["name"] == "clean")]
        keys = album.manifest.set_index("image_id").loc[clean["image_id"], "key"].tolist()
        stored = predict(load_detector(models / name), keys, album.dataset, device="cpu", workers=1, what="test")
        assert clean["logit"].to_numpy() == pytest.approx(stored.logit, abs=1e-5)


def test_sweeps_are_the_packaged_candidate_s_alone(tiered: Tiered) -> None:
    names = {name: [row["name"] for row in rows] for name, rows in tiered.rows.items()}
    assert names == {
        "student": ["clean", "web", "hard", "jpeg 50", "scale 0.5"],
        "teacher": ["clean", "web", "hard"],
    }
    for name, rows in tiered.rows.items():
        scored = tiered.scores[tiered.scores["candidate"] == name]["name"].value_counts()
        assert {row["name"]: row["n_real"] + row["n_fake"] for row in rows} == {
            row["name"]: scored.get(row["name"], 0) for row in rows
        }


def test_at_most_so_many_rows_of_each_class_are_scored(tiered: Tiered) -> None:
    clean = tiered.rows["student"][0]
    assert (clean["n_real"], clean["n_fake"], clean["missing"]) == (12, 12, 0)


def test_what_the_service_would_refuse_is_listed_and_counted(tiered: Tiered) -> None:
    half = next(row for row in tiered.rows["student"] if row["name"] == "scale 0.5")
    assert (half["n_real"], half["missing"]) == (0, 24)
    assert half["auc"]["reason"]
    listed = tiered.missing[tiered.missing["name"] == "scale 0.5"]
    assert len(listed) == 24
    assert set(listed["reason"]) == {"shorter side under 64 px then"}


def test_without_originals_every_row_is_missing_with_its_reason(
    settings: Config, album: Collection, candidates: list[Candidate], models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measure_all(settings, album.manifest, candidates, models=models, data=models / "nothing")
    assert len(found.missing) == 24
    assert {row["missing"] for rows in found.rows.values() for row in rows} == {24}
    assert "24 of 24 test crops could not be made from their originals" in capsys.readouterr().err
    write_tiers(models / "out", found)
    assert len(pd.read_csv(models / "out/tiers_missing.csv")) == 24


def test_the_files_hold_the_same_numbers(tiered: Tiered, tmp_path: Path) -> None:
    write_tiers(tmp_path, tiered)
    written = json.loads((tmp_path / "tiers.json").read_text())
    assert written == json.loads(json.dumps(dict(tiered.rows)))
    flat = pd.read_csv(tmp_path / "tiers.csv").set_index("name")
    web = written["teacher"][1]
    assert flat.loc["web", "teacher_auc"] == web["auc"]["value"]
    assert flat.loc["web", "teacher_flip_high"] == web["flip"]["high"]
    assert np.isnan(flat.loc["jpeg 50", "teacher_auc"])
    curve = pd.read_csv(tmp_path / "sweep-jpeg.csv")
    assert curve["x"].tolist() == [50.0]
    assert curve["auc"].tolist() == [written["student"][3]["auc"]["value"]]
    assert pd.read_csv(tmp_path / "sweep-blur.csv").empty
    assert pd.read_parquet(tmp_path / "tier_scores.parquet").columns.tolist() == SCORES


def test_the_drawn_noise_is_the_seed_s(
    settings: Config, album: Collection, candidates: list[Candidate], models: Path
) -> None:
    def logits(seed: int) -> np.ndarray:
        tiers = replace(settings.evaluate.tiers, rows=2, named=[], sweeps={"noise": [0.1]})
        chosen = replace(settings, seed=seed, evaluate=replace(settings.evaluate, tiers=tiers))
        found = measure_all(chosen, album.manifest, candidates, models=models, data=album.data).scores
        return found.loc[found["name"] == "noise 0.1", "logit"].to_numpy()

    assert np.array_equal(logits(1), logits(1))
    assert not np.array_equal(logits(1), logits(2))
