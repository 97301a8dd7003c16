"""The three training stages on a tiny data set: they learn, write what they promise, and survive being killed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.datasets import checkered, row, write_dataset
from unmask.config import Config, load_config
from unmask.models.detector import load_detector
from unmask.models.encoders import Encoder, create_encoder
from unmask.training.device import compile_encoders
from unmask.training.distill import distill
from unmask.training.folders import Folders
from unmask.training.loop import Loop
from unmask.training.pretrain import pretrain
from unmask.training.teach import teach

ROOT = Path(__file__).parents[2]
SMALL = [
    "preprocess.size_px=20",
    "preprocess.window_px=24",
    "pretrain.epochs=1",
    "teach.epochs=4",
    "distill.epochs=4",
    "encoder.args={}",
    "scale.device=cpu",
    "scale.precision=fp32",
    "augment.jpeg_p=0.0",
    "augment.rescale_p=0.0",
    "augment.blur_p=0.0",
    "augment.webp_p=0.0",
    "teach.optimiser.ema_decay=0.5",
    "distill.optimiser.ema_decay=0.5",
    "pretrain.contrast.queue=32",
    *(f"{stage}.optimiser.batch_size=16" for stage in ("pretrain", "teach", "distill")),
    *(f"{stage}.optimiser.checkpoint_every_steps=2" for stage in ("pretrain", "teach", "distill")),
]


def config(*more: str) -> Config:
    return load_config(ROOT, [*SMALL, *more])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    rows = [row(n, label="real" if n % 2 else "fake", split="train", labelled=n < 96) for n in range(120)]
    rows += [row(n, label="real" if n % 2 else "fake", split="val", labelled=True) for n in range(120, 160)]
    dataset, expanded = write_dataset(tmp_path, rows, checkered, n_labels=10)
    return Folders(dataset=dataset, expanded=expanded, pretrain=tmp_path / "pretrain", teacher=tmp_path / "teacher")


def validation_auc(folder: Path) -> float:
    return json.loads((folder / "metrics.json").read_text())["validation_auc"]


def test_full_method_learns_from_end_to_end(folders: Folders, tmp_path: Path) -> None:
    settings = config()
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    distill(settings, folders, out=tmp_path / "student")
    assert validation_auc(folders.teacher) > 0.9
    assert validation_auc(tmp_path / "student") > 0.9
    assert load_detector(folders.teacher).spec.head == "joint"
    assert not list((tmp_path / "var/checkpoints").glob("*/*"))


def test_mapped_crops_train_the_same_teacher(folders: Folders) -> None:
    short = ("method=sjedd", "teach.epochs=1", "augment.webp_p=0.5", "augment.jpeg_p=0.5")
    teach(config(*short), folders, out=folders.teacher)
    streamed = folders.teacher.with_name("streamed")
    teach(config(*short, "scale.crop_memory_gb=0.0"), folders, out=streamed)
    for name in ("model.safetensors", "history.csv", "steps.jsonl"):
        assert (folders.teacher / name).read_bytes() == (streamed / name).read_bytes(), name
    row = json.loads((streamed / "steps.jsonl").read_text().splitlines()[0])
    assert {"step", "loss", "binary", "global", "local", "weight_local", "learning_rate", "gradient_norm"} <= set(row)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("compiled", ["false", "true"])
def test_full_method_learns_on_a_gpu_in_bf16(folders: Folders, tmp_path: Path, compiled: str) -> None:
    settings = config("scale.device=cuda", "scale.precision=bf16", f"scale.compile={compiled}", "augment.webp_p=0.5")
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    distill(settings, folders, out=tmp_path / "student")
    assert validation_auc(folders.teacher) > 0.9
    assert validation_auc(tmp_path / "student") > 0.9


def test_encoders_are_compiled_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def note(self: Encoder) -> None:
        compiled.append(self)

    monkeypatch.setattr(Encoder, "compile", note)
    settings = config()
    both = [create_encoder(settings.encoder) for _ in range(2)]
    compile_encoders(settings.scale, *both)
    assert compiled == []
    compile_encoders(config("scale.compile=true").scale, *both)
    assert compiled == both


@pytest.mark.parametrize("method", ["erm", "so", "sjedd", "sagnet", "sclkd", "ufd"])
def test_every_preset_runs(folders: Folders, tmp_path: Path, method: str) -> None:
    settings = config(f"method={method}", "teach.epochs=1", "distill.epochs=1", "teach.bce_epochs=0")
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    distill(settings, folders, out=tmp_path / "student")
    assert 0 <= validation_auc(tmp_path / "student") <= 1


def test_frozen_encoder_stays_as_pretraining_made_it(folders: Folders) -> None:
    settings = config("method=ufd", "teach.epochs=1")
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    pretrained = load_file(folders.pretrain / "encoder.safetensors")
    taught = load_file(folders.teacher / "model.safetensors")
    for name, tensor in pretrained.items():
        assert torch.equal(tensor, taught[f"encoder.{name}"]), name


def test_only_the_last_stage_learns_where_asked(folders: Folders) -> None:
    settings = config("method=sclkd", "teach.epochs=1", "teach.trainable=last")
    pretrain(settings, folders, out=folders.pretrain)
    teach(settings, folders, out=folders.teacher)
    pretrained = load_file(folders.pretrain / "encoder.safetensors")
    taught = load_file(folders.teacher / "model.safetensors")
    changed = {name for name, tensor in pretrained.items() if not torch.equal(tensor, taught[f"encoder.{name}"])}
    assert changed
    assert all(name.startswith("backbone.layer4.") for name in changed)


def test_a_killed_teacher_ends_with_the_same_weights(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config("method=sjedd", "teach.epochs=2", "teach.bilevel.every=2")
    teach(settings, folders, out=folders.teacher)
    expected = load_file(folders.teacher / "model.safetensors")
    step = Loop._step

    def killed(self: Loop, *taken) -> None:
        if self.progress.step == 9:
            raise KeyboardInterrupt
        step(self, *taken)

    again = folders.teacher.with_name("again")
    monkeypatch.setattr(Loop, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        teach(settings, folders, out=again)
    monkeypatch.setattr(Loop, "_step", step)
    teach(settings, folders, out=again)
    resumed = load_file(again / "model.safetensors")
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
