"""A small project with git, DVC, data and bundles, whose stages copy what was made before, so that nothing trains."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from tests.datasets import noise as noise_crop
from tests.datasets import row, write_dataset
from tests.evaluation.synthetic import judge, make_predictions
from tests.serving.conftest import write_bundle
from unmask.config import load_config
from unmask.data.ingest import ingest
from unmask.files import write_json
from unmask.serving.bundle import load_bundle
from unmask.training.champion import NONE, write_champion

# Log-odds added to fakes, and the hand-made network's gain, which makes another model of each.
QUALITIES = {"first": (0.0, 8.0), "better": (1.5, 4.0), "worse": (-2.0, 2.0)}
COMMON = """\
import json, os, pathlib, shutil, sys, time
recipe = json.loads(pathlib.Path("recipe.json").read_text())
made = pathlib.Path(recipe["made"])
def copy(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
"""
STAGES = {
    "train": """
print("training in group", os.getpgid(0), flush=True)
if os.environ.get("STANDIN") == "hang":
    time.sleep(300)
if recipe["gate"] == "fail":
    sys.exit("validate: error: 1 hard expectation failed")
taken = any(path.name.startswith("inbox-") for path in pathlib.Path("data").iterdir())
quality = recipe["with_inbox" if taken else "quality"]
start = json.loads(pathlib.Path("champion/champion.json").read_text())["version"]
for name in ("student", "teacher"):
    pathlib.Path("build", name).mkdir(parents=True, exist_ok=True)
    pathlib.Path("build", name, "model.json").write_text(quality)
    before = pathlib.Path("champion/models", name, "model.safetensors")
    weights = (before.read_bytes() if start else b"") + quality.encode() + b"."
    pathlib.Path("build", name, "model.safetensors").write_bytes(weights)
copy(made / "dataset", "build/dataset")
""",
    "evaluate": """
quality = pathlib.Path("build/student/model.json").read_text()
copy(made / quality / "evaluation", "build/evaluation")
number = {"value": 0.9, "low": 0.8, "high": 0.95, "n_real": 40, "n_fake": 30}
metrics = {"data_md5": "abc", "note": "", "student": {"auc_seen": number}, "quality": quality}
pathlib.Path("build/metrics.json").write_text(json.dumps(metrics))
""",
    "package": """
copy(made / pathlib.Path("build/student/model.json").read_text() / "bundle", "build/package/bundle")
""",
}
PIPELINE = """\
stages:
  train:
    cmd: python src/train.py
    deps: [champion, data, recipe.json, src/train.py]
    outs: [build/dataset, build/student, build/teacher]
  evaluate:
    cmd: python src/evaluate.py
    deps: [build/student, regression.csv, src/evaluate.py]
    outs:
      - build/evaluation
      - build/metrics.json:
          cache: false
  package:
    cmd: python src/package.py
    deps: [build/evaluation, build/student, src/package.py]
    outs: [build/package/bundle]
artifacts:
  unmask:
    path: build/package/bundle
    type: model
"""
TRAINED = sha256(b"a training picture").hexdigest()
IGNORED = "/data\n/var/\n/build/*\n!/build/metrics.json\n"


@dataclass(frozen=True)
class StandIn:
    """The project, with what is done to it from outside."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "var"

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def dvc(self, *words: str) -> str:
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def recipe(self, **changes: str) -> None:
        """Change what the pipeline makes, and commit it."""
        path = self.root / "recipe.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        self.git("commit", "--quiet", "--all", "--message", f"recipe {changes}")

    def report(self, number: int, label: str = "fake", *, picture: bytes | None = None) -> str:
        """A user's word on a picture, as the service writes it; returns the picture's hash."""
        return self._keep(number, {"label": label, "note": "seen on a forum"}, ("feedback", "pictures"), picture)

    def capture(self, number: int, *, probability: float = 0.5) -> str:
        """An uncertain picture, as the service keeps it."""
        facts = {"model_version": "0" * 12, "data_hash": "", "probability": probability, "logit": 0.0}
        facts |= {"attributes": {"nose": 0.4}}
        return self._keep(number, facts, ("captured", "captured"), None)

    def _keep(self, number: int, facts: dict[str, object], where: tuple[str, str], picture: bytes | None) -> str:
        rows, pictures = (self.state / "inbox" / folder for folder in where)
        rows.mkdir(parents=True, exist_ok=True)
        pictures.mkdir(exist_ok=True)
        content = noise(number) if picture is None else picture
        name = f"{number:032x}-0"
        (pictures / f"{name}.png").write_bytes(content)
        facts |= {"time": "2026-01-02T03:04:05.000+00:00", "id": name, "picture": f"{name}.png"}
        with (rows / "2026-01-02.jsonl").open("a") as stream:
            stream.write(json.dumps(facts | {"sha256": sha256(content).hexdigest()}) + "\n")
        return sha256(content).hexdigest()


def noise(number: int) -> bytes:
    """A picture like no other, PNG."""
    pixels = np.random.default_rng(number).integers(0, 256, (72, 72, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def make_project(folder: Path, project: Path) -> Path:
    """A committed project below FOLDER, and what its stages copy; PROJECT lends params.yaml."""
    root, made = folder / "project", folder / "made"
    root.mkdir(parents=True)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["evaluate"]["bootstrap"], params["promote"]["max_fpr"] = 200, 0.2
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    for quality, (shift, gain) in QUALITIES.items():
        _make_quality(made / quality, root, shift=shift, gain=gain)
    for name, text in STAGES.items():
        (root / "src").mkdir(exist_ok=True)
        (root / f"src/{name}.py").write_text(COMMON + text)
    write_champion(root / "champion", NONE)
    trains = [row(0, label="real", split="train", labelled=True) | {"raw_sha256": TRAINED}]
    write_dataset(made, trains, noise_crop)
    recipe = {"made": str(made), "quality": "first", "with_inbox": "better", "gate": "pass"}
    files = {"dvc.yaml": PIPELINE, ".gitignore": IGNORED, "recipe.json": json.dumps(recipe)}
    for name, text in (files | {"regression.csv": "sha256,label,note\n"}).items():
        (root / name).write_text(text)
    _draw(folder / "in", root / "data")
    for words in (
        ("git", "init", "--quiet", "--initial-branch", "main"),
        ("git", "config", "user.name", "test"),
        ("git", "config", "user.email", "test@example.org"),
        (sys.executable, "-m", "dvc", "init", "--quiet"),
        (sys.executable, "-m", "dvc", "add", "--quiet", "data"),
        ("git", "add", "--all"),
        ("git", "commit", "--quiet", "--message", "a project"),
    ):
        subprocess.run(words, cwd=root, check=True, capture_output=True)
    return root


def _make_quality(folder: Path, root: Path, *, shift: float, gain: float) -> None:
    """An evaluation of predictions and a bundle with the same calibration."""
    write_bundle(folder / "bundle", gain=gain)
    settings = load_config(root).evaluate
    frame = make_predictions(1, groups=480)
    judged = judge("student", frame.assign(logit=frame["logit"] + shift * (frame["label"] == "fake")), settings)
    out = folder / "evaluation"
    out.mkdir()
    judged.predictions.to_parquet(out / "predictions.parquet", index=False)
    calibration = load_bundle(folder / "bundle").calibration
    thresholds = vars(calibration.thresholds)
    write_json(
        out / "calibration.json", {"student": {"temperature": calibration.temperature, "thresholds": thresholds}}
    )
    write_json(out / "slices.json", {"student": list(judged.measured)})
    write_json(out / "regression.json", {"student": []})


def _draw(folder: Path, data: Path) -> None:
    for number, name in enumerate(("real/camera", "fake/swap")):
        (folder / "desk" / name).mkdir(parents=True)
        (folder / "desk" / name / "0.png").write_bytes(noise(10_000 + number))
    ingest(folder, data, today="2025-06-01")
    shutil.rmtree(folder)
