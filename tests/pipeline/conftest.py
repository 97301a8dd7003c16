"""A copy of this repository with a few drawn faces in it, its pipeline run once for all tests of this folder."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFilter
from ruamel.yaml import YAML

# Sizes of everything: large enough that each stage has work, small enough that all nine take about a minute.
SIDE_PX = 128
REALS, FAKES, UNSEEN, UNLABELLED = 90, 50, 20, 20
NEWEST_REALS, NEWEST_FAKES = 20, 10
BACKGROUNDS = ("wall", "sky", "shelf")
SETTINGS = {
    "scale.workers": 1,
    "scale.device": "cpu",
    "scale.precision": "fp32",
    "assemble.sources": [],
    "assemble.unseen_generators": ["stripes"],
    "assemble.labelled_fraction": 0.6,
    "validate.min_rows": 20,
    "validate.min_validation_reals": 5,
    "preprocess.size_px": 64,
    "preprocess.window_px": 72,
    "pretrain.epochs": 1,
    "pretrain.optimiser.batch_size": 16,
    "pretrain.contrast.queue": 64,
    "teach.epochs": 4,
    "teach.bce_epochs": 1,
    "teach.text.width": 64,
    "teach.text.layers": 1,
    "teach.optimiser.batch_size": 16,
    "teach.optimiser.checkpoint_every_steps": 2,
    "distill.epochs": 4,
    "distill.optimiser.batch_size": 16,
    "distill.optimiser.checkpoint_every_steps": 2,
    "evaluate.bootstrap": 50,
    "evaluate.worst": 4,
    "evaluate.tiers.rows": 20,
    "drift.max_rows": 100,
    "package.self_test_rows": 2,
}


@dataclass(frozen=True)
class Clone:
    """A copy of the repository in which commands run."""

    root: Path

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """A command in a process group of its own, this interpreter and the copy's own modules first."""
        bin_folder = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            "PATH": bin_folder + os.pathsep + os.environ["PATH"],
            "PYTHONPATH": str(self.root / "src"),
            "OMP_NUM_THREADS": "1",
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "text": True}
        return subprocess.Popen(command, cwd=self.root, env=environment, start_new_session=True, **pipes)

    def run(self, *command: str, code: int | None = 0) -> str:
        """What a command prints; it must end with CODE (None: any but 0)."""
        process = self.start(*command)
        printed, _ = process.communicate()
        assert process.returncode == code or (code is None and process.returncode), f"{command}\n{printed}"
        return printed

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", message)

    def set_params(self, settings: dict[str, object]) -> None:
        """Change values of params.yaml by their dotted names; comments stay."""
        yaml = YAML()
        path = self.root / "params.yaml"
        document = yaml.load(path)
        for name, value in settings.items():
            *sections, key = name.split(".")
            section = document
            for each in sections:
                section = section[each]
            assert key in section, name
            section[key] = value
        yaml.dump(document, path)


def landmarks(left: float, top: float, width: float) -> np.ndarray:
    """68 iBUG points of a plain face that fills the square at LEFT, TOP."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([0.5 + 0.45 * np.cos(turn), 0.4 + 0.55 * np.sin(turn)], axis=1)
    rows = [np.stack([np.linspace(a, b, 5), np.full(5, 0.25)], axis=1) for a, b in ((0.18, 0.42), (0.58, 0.82))]
    bridge = np.stack([np.full(4, 0.5), np.linspace(0.35, 0.55, 4)], axis=1)
    nostrils = np.stack([np.linspace(0.4, 0.6, 5), np.full(5, 0.6)], axis=1)
    eyes = [ring(6, (x, 0.38), (0.09, 0.045)) for x in (0.3, 0.7)]
    mouth = [ring(count, (0.5, 0.75), radii) for count, radii in ((12, (0.18, 0.08)), (8, (0.12, 0.04)))]
    return np.concatenate([jaw, *rows, bridge, nostrils, *eyes, *mouth]) * width + (left, top)


def ring(count: int, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Points of an ellipse, from its left end clockwise."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.array(centre) - np.array(radii) * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def draw_face(rng: np.random.Generator) -> tuple[Image.Image, np.ndarray]:
    """A crude portrait before a random background, with its landmarks in pixels."""
    coarse = Image.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8))
    picture = coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    left, top = rng.uniform(8, 28, 2)
    points = landmarks(left, top, rng.uniform(84, 92))
    pen = ImageDraw.Draw(picture)
    skin = tuple(int(value) for value in rng.integers(120, 220, 3))
    pen.polygon([tuple(point) for point in [*points[:17], *points[26:16:-1]]], fill=skin)
    for part, colour in ((slice(36, 42), "white"), (slice(42, 48), "white"), (slice(48, 60), "brown")):
        pen.polygon([tuple(point) for point in points[part]], fill=colour)
    grain = rng.normal(0, 6, (SIDE_PX, SIDE_PX, 3))
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)), points


def forge(picture: Image.Image, generator: str) -> Image.Image:
    """`smear` takes the camera's grain from the middle, `stripes` lays a regular pattern over it."""
    box = (32, 32, 96, 96)
    if generator == "smear":
        patch = picture.crop(box).filter(ImageFilter.GaussianBlur(2))
    else:
        pattern = (np.indices((64, 64)).sum(0) % 4 < 2)[..., None] * 24
        patch = Image.fromarray((np.asarray(picture.crop(box)).astype(int) + pattern).clip(0, 255).astype(np.uint8))
    forged = picture.copy()
    forged.paste(patch, box)
    return forged


def write_source(folder: Path, counts: dict[str, int], rng: np.random.Generator) -> Path:
    """A source folder with COUNTS pictures per `<label>/<generator>`; fakes of `smear` are paired with reals."""
    marks, attributes, pairs, reals = [], [], [], []
    for place, count in counts.items():
        label, generator = place.split("/")
        (folder / place).mkdir(parents=True)
        for number in range(count):
            paired = generator == "smear"
            picture, points = reals[number] if paired else draw_face(rng)
            file = f"{place}/{number:03}.jpg"
            (forge(picture, generator) if label == "fake" else picture).save(folder / file, quality=92)
            marks.append({"file": file, "landmarks": points.ravel().astype(np.float32)})
            attributes.append({"file": file, "background": BACKGROUNDS[number % len(BACKGROUNDS)]})
            if label == "real":
                reals.append((picture, points))
            if paired:
                pairs.append({"real": f"real/camera/{number:03}.jpg", "fake": file})
    pd.DataFrame(marks).to_parquet(folder / "landmarks.parquet")
    pd.DataFrame(attributes).to_csv(folder / "attributes.csv", index=False)
    pd.DataFrame(pairs, columns=["real", "fake"]).to_csv(folder / "pairs.csv", index=False)
    return folder.parent


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Clone:
    """The working tree as git would commit it, without the sample, with the drawn faces as its data."""
    clone = Clone(tmp_path_factory.mktemp("clone"))
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=project, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if name and not name.startswith(("sample/", "tests/")) and (project / name).is_file():
            (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, clone.root / name)
    for stale in ("data.dvc", "dvc.lock"):
        (clone.root / stale).unlink(missing_ok=True)
    rng = np.random.default_rng(1)
    pictures = tmp_path_factory.mktemp("pictures")
    first = {"real/camera": REALS, "fake/smear": FAKES, "fake/stripes": UNSEEN, "unlabelled/unknown": UNLABELLED}
    newest = {"real/camera": NEWEST_REALS, "fake/smear": NEWEST_FAKES}
    for name, counts in (("first", first), ("newest", newest)):
        clone.run("unmask", "ingest", str(write_source(pictures / name / "drawn", counts, rng)))
    clone.set_params(SETTINGS)
    clone.run("git", "init", "--quiet")
    clone.run("dvc", "add", "--quiet", "data")
    clone.commit("a small project")
    return clone


@pytest.fixture(scope="session")
def reproduced(copied: Clone) -> Clone:
    """The copy after `dvc repro`, committed; not to be changed."""
    copied.run("dvc", "repro")
    copied.commit("the first run")
    return copied


@pytest.fixture
def clone(reproduced: Clone, tmp_path: Path) -> Clone:
    """The pipeline after its first run, to do with as a test likes."""
    shutil.copytree(reproduced.root, tmp_path / "clone", symlinks=True)
    return Clone(tmp_path / "clone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share the run in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "pipeline" in item.keywords:
            item.add_marker(pytest.mark.xdist_group("pipeline"))
