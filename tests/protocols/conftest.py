"""A DVC repository with real data and settings, whose only stage writes results that anyone can check by hand."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from unmask.data.ingest import ingest

DAYS = {"swap": "2025-01-10", "warp": "2025-02-01", "diffusion, v2": "2025-02-01"}
STAGE = """\
import json, os, pathlib
from unmask.config import load_config

unseen = load_config(pathlib.Path(".")).assemble.unseen_generators
with open(os.environ["RUNS"], "a") as runs:
    runs.write(json.dumps(unseen) + "\\n")
def number(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n_real": 40, "n_fake": 30}
def both(value):
    return {"auc": number(value), "recall": number(value / 2)}
rows = [
    {"source": "desk", "generator": name, "seen": name not in unseen, "reference": "its source", "n_real": 40,
     "n_fake": 30, "groups": 70, "shortcut_auc": 0.6, "student": both(0.7 if name in unseen else 0.9),
     "teacher": both(0.8)}
    for name in ("swap", "warp")
]
folder = pathlib.Path("build/evaluation")
folder.mkdir(parents=True, exist_ok=True)
(folder / "generators.json").write_text(json.dumps(rows))
numbers = {"auc_seen": number(0.9), "fpr_real": number(0.1)}
pathlib.Path("build/metrics.json").write_text(json.dumps({"student": numbers, "teacher": numbers}))
print("evaluated without", unseen, "on", len(os.listdir("data")), "batches")
"""
PIPELINE = """\
stages:
  evaluate:
    cmd: python src/evaluate.py
    deps: [data, src/evaluate.py]
    params: [assemble, seed]
    outs:
      - build/evaluation
      - build/metrics.json:
          cache: false
"""


@dataclass(frozen=True)
class Repository:
    """The repository and how often its stage ran."""

    root: Path
    log: Path

    def runs(self) -> list[str]:
        """What was unseen in each run so far."""
        return self.log.read_text().splitlines() if self.log.is_file() else []

    def call(self, *words: str) -> None:
        subprocess.run(words, cwd=self.root, check=True, capture_output=True)


def draw_data(folder: Path, data: Path) -> None:
    """One picture of each generator and of a camera, with the generators' days."""
    rows = []
    for number, name in enumerate(("camera", *DAYS)):
        file = f"{'fake' if name in DAYS else 'real'}/{name}/{number}.png"
        (folder / "desk" / file).parent.mkdir(parents=True)
        Image.new("RGB", (16, 16), (number * 60, 0, 0)).save(folder / "desk" / file)
        rows.append({"file": file, "first_seen": DAYS.get(name, "")})
    pd.DataFrame(rows).to_csv(folder / "desk/attributes.csv", index=False)
    ingest(str(folder), data, today="2025-06-01")


def another_batch(repository: Repository) -> Path:
    """A picture of a known generator that is not in the repository's data, to be taken in."""
    folder = repository.root.parent / "later"
    (folder / "desk/fake/swap").mkdir(parents=True)
    Image.new("RGB", (16, 16), (7, 8, 9)).save(folder / "desk/fake/swap/new.png")
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of one batch."""
    folder = tmp_path_factory.mktemp("protocol")
    draw_data(folder / "in", folder / "data")
    return folder / "data"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A repository with everything committed, to be copied."""
    folder = tmp_path_factory.mktemp("pristine")
    root = folder / "project"
    draw_data(folder / "in", root / "data")
    for name, text in (
        ("src/evaluate.py", STAGE),
        ("dvc.yaml", PIPELINE),
        ("params.yaml", (project / "params.yaml").read_text()),
        (".gitignore", "/data\n/build/*\n!/build/metrics.json\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for words in (
        ("git", "init", "--quiet"),
        ("git", "config", "user.name", "test"),
        ("git", "config", "user.email", "test@example.org"),
        (sys.executable, "-m", "dvc", "init", "--quiet"),
        (sys.executable, "-m", "dvc", "add", "--quiet", "data"),
        ("git", "add", "--all"),
        ("git", "commit", "--quiet", "--message", "a project"),
    ):
        subprocess.run(words, cwd=root, check=True, capture_output=True)
    return root


@pytest.fixture
def repository(tmp_path: Path, pristine: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of one's own."""
    made = Repository(shutil.copytree(pristine, tmp_path / "project", symlinks=True), tmp_path / "runs")
    monkeypatch.setenv("RUNS", str(made.log))
    return made
