"""A start from the champion: what it changes, what it refuses, and that it changes nothing where there is none."""

import dataclasses
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.datasets import checkered, row, write_dataset
from tests.training.test_stages import config
from unmask.config import Config
from unmask.data.tables import write_table
from unmask.errors import ConfigError, DataError
from unmask.models.detector import create_detector, save_detector
from unmask.training import checkpoint, warm
from unmask.training import distill as student_stage
from unmask.training import teach as teacher_stage
from unmask.training.champion import HASH, MODELS, NONE, TRAINED, Champion, read_champion, write_champion
from unmask.training.distill import distill, student_spec
from unmask.training.folders import Folders
from unmask.training.pretrain import pretrain
from unmask.training.teach import teach, teacher_spec

SHORT = ("teach.epochs=2", "distill.epochs=2", "warm_start.epochs=0.5")
HELD = Champion("v1.0.0", "0123456789ab", "f" * 40)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Data of forty pictures, the last four of the training ones reported by users, and an empty champion/."""
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    split = ["train"] * 28 + ["val"] * 12
    rows = [
        row(n, label="real" if n % 2 else "fake", split=split[n], labelled=True) | {"raw_sha256": f"{n:064x}"}
        for n in range(40)
    ]
    for reported in rows[24:28]:
        reported["source"] = "feedback"
    dataset, expanded = write_dataset(tmp_path, rows, checkered, n_labels=10)
    write_champion(tmp_path / "champion", NONE)
    return Folders(
        dataset, expanded, pretrain=tmp_path / "pretrain", teacher=tmp_path / "teacher", champion=tmp_path / "champion"
    )


def lay(folders: Folders, settings: Config, *, seed: int = 3, trained: tuple[int, ...] = (0, 1)) -> Path:
    """Put a champion of fresh weights into champion/."""
    assert folders.champion
    for name, spec in (("teacher", teacher_spec(settings)), ("student", student_spec(settings))):
        torch.manual_seed(seed)
        save_detector(folders.champion / MODELS / name, create_detector(spec), {})
    known = pd.DataFrame({HASH: [f"{n:064x}" for n in trained]})
    write_table(folders.champion / MODELS / TRAINED, known)
    write_champion(folders.champion, HELD)
    return folders.champion


def train(folders: Folders, settings: Config, out: Path) -> dict[str, bytes]:
    """All three stages; every file that they wrote."""
    folders = dataclasses.replace(folders, pretrain=out / "pretrain", teacher=out / "teacher")
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    distill(settings, folders, out=out / "student")
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the checkpoints of teach and distill."""
    made: list[str] = []

    def note(settings, inputs) -> str:
        made.append(checkpoint.run_key(settings, inputs))
        return made[-1]

    for stage in (teacher_stage, student_stage):
        monkeypatch.setattr(stage, "run_key", note)
    return made


def test_without_a_champion_nothing_changes(folders: Folders, tmp_path: Path, keys: list[str]) -> None:
    plain = train(dataclasses.replace(folders, champion=None), config(*SHORT), tmp_path / "plain")
    assert train(folders, config(*SHORT), tmp_path / "empty") == plain
    lay(folders, config(*SHORT))
    assert train(folders, config(*SHORT, "warm_start.weights=none"), tmp_path / "none") == plain
    assert keys[:2] == keys[2:4] == keys[4:]


def test_the_same_champion_gives_the_same_weights_and_another_one_others(
    folders: Folders, tmp_path: Path, keys: list[str]
) -> None:
    settings = config(*SHORT)
    champion = lay(folders, settings)
    first = train(folders, settings, tmp_path / "first")
    assert train(folders, settings, tmp_path / "second") == first
    shutil.rmtree(champion / MODELS)
    lay(folders, settings, seed=4)
    other = train(folders, settings, tmp_path / "other")
    for name in ("teacher/model.safetensors", "student/model.safetensors"):
        assert other[name] != first[name]
    assert keys[:2] == keys[2:4]
    assert not set(keys[:2]) & set(keys[4:])
    afresh = train(folders, config(*SHORT, "warm_start.weights=none"), tmp_path / "afresh")
    assert afresh["student/model.safetensors"] not in {
        first["student/model.safetensors"],
        other["student/model.safetensors"],
    }
    for name in ("teacher", "student"):
        assert json.loads(first[f"{name}/model.json"])["extra"] == {"champion": "v1.0.0"}
    assert json.loads(first["pretrain/pretrain.json"]) == {"used": False, "reason": "training goes on from v1.0.0"}


def test_it_goes_on_from_the_weights_shorter_and_slower(folders: Folders, tmp_path: Path) -> None:
    settings = config("teach.epochs=4", "distill.epochs=4", "warm_start.epochs=0.5", "warm_start.rate=1.0e-6")
    champion = lay(folders, settings)
    train(folders, settings, tmp_path / "out")
    for name in ("teacher", "student"):
        history = pd.read_csv(tmp_path / "out" / name / "history.csv")
        assert len(history) == 2
        rate = settings.teach if name == "teacher" else settings.distill
        assert history["learning_rate"].max() <= 1e-6 * rate.optimiser.learning_rate
        before, after = (
            load_file(folder / name / "model.safetensors") for folder in (champion / MODELS, tmp_path / "out")
        )
        weights = [key for key in before if key.endswith(".weight") and "backbone" in key]
        assert weights
        assert all(torch.allclose(before[key], after[key], atol=1e-4) for key in weights)


def test_the_last_epoch_stays_and_its_score_is_told(folders: Folders, tmp_path: Path) -> None:
    settings = config("teach.epochs=6", "distill.epochs=6", "warm_start.epochs=0.5", "teach.patience=1")
    lay(folders, settings)
    train(folders, settings, tmp_path / "out")
    for name in ("teacher", "student"):
        history = pd.read_csv(tmp_path / "out" / name / "history.csv")
        written = json.loads((tmp_path / "out" / name / "metrics.json").read_text())
        assert written == {"epochs": 3, "validation_auc": pytest.approx(history["validation_auc"].iloc[-1])}


def test_what_users_reported_is_in_every_batch(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config(*SHORT, "method=sjedd", "warm_start.repeats=100")
    lay(folders, settings)
    batches = []
    prepare = teacher_stage.TeachObjective.prepare

    def note(self, rows, moment):
        batches.append([self.crops.reported[row].item() for row in rows])
        return prepare(self, rows, moment)

    monkeypatch.setattr(teacher_stage.TeachObjective, "prepare", note)
    teach(settings, folders, out=folders.teacher)
    assert {sum(batch) / len(batch) for batch in batches} == {0.25}


def test_another_architecture_is_refused_with_both_and_the_remedy(folders: Folders) -> None:
    lay(folders, config())
    other = config("encoder.name=resnet18", "labels.allow_bare_root=false")
    with pytest.raises(DataError) as error:
        teach(other, folders, out=folders.teacher)
    told = str(error.value)
    assert "the teacher of v1.0.0 has encoder.name 'test_resnet', params.yaml asks for 'resnet18'" in told
    assert "labels.allow_bare_root True" in told
    assert "warm_start.weights: none" in told
    assert not folders.teacher.exists()


def test_weights_that_were_loaded_once_do_not_make_another_architecture() -> None:
    spec = teacher_spec(config())
    began = dataclasses.replace(spec, encoder=dataclasses.replace(spec.encoder, weights="pretrained"))
    assert not list(warm._differences(began, spec))


def test_pictures_that_judge_now_must_not_have_trained_the_champion(folders: Folders) -> None:
    lay(folders, config(), trained=(0, 30, 31))
    for stage in (pretrain, teach, distill):
        with pytest.raises(DataError, match=r"2 of 12 .* trained v1\.0\.0.*would flatter.*--no-warm-start"):
            stage(config(), folders, out=folders.teacher)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("weights=best", "neither champion nor none"),
        ("epochs=0.0", "above 0"),
        ("rate=1.5", "at most at 1"),
        ("replay=-0.1", "within 0 and 1"),
        ("repeats=0", "1 or more"),
    ],
)
def test_settings_out_of_range_are_named(folders: Folders, setting: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"warm_start\.{setting.split('=', maxsplit=1)[0]}: .*{why}"):
        warm.find_start(config(f"warm_start.{setting}"), folders)


def test_the_projects_own_champion_is_empty(project: Path) -> None:
    assert read_champion(project / "champion") is None


@pytest.mark.parametrize("text", ["{}", '{"version": 1, "model": "", "commit": ""}', "[]", "no JSON"])
def test_a_damaged_description_is_named(folders: Folders, text: str) -> None:
    assert folders.champion
    (folders.champion / "champion.json").write_text(text)
    with pytest.raises(DataError, match=r"champion\.json"):
        warm.find_start(config(), folders)


def test_a_champion_whose_weights_were_not_fetched_names_the_remedy(folders: Folders) -> None:
    assert folders.champion
    write_champion(folders.champion, HELD)
    with pytest.raises(DataError, match=r"v1\.0\.0 is not there; `dvc pull .*models\.dvc`"):
        warm.find_start(config(), folders)
