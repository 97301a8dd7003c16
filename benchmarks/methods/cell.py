"""One cell: train one preset on one fold by the project's own functions, score the test rows once, write the result."""

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.methods.budget import Counts, Plan, plan
from benchmarks.methods.prepare import fold_folders
from benchmarks.methods.protocols import SEED
from benchmarks.methods.results import Result, write_result
from unmask.config import Config, load_config
from unmask.data.code import code_digest
from unmask.data.loading import training_rows
from unmask.data.manifest import read_manifest
from unmask.data.tables import read_table
from unmask.evaluation.predict import predict
from unmask.files import read_json
from unmask.models.detector import load_detector
from unmask.training.checkpoint import run_key
from unmask.training.device import roundings
from unmask.training.distill import distill
from unmask.training.folders import Folders
from unmask.training.methods import Method, method_by_name
from unmask.training.pretrain import pretrain
from unmask.training.teach import teach

FALSE_POSITIVES = 0.05
SCORING = "unmask.evaluation.predict"
SECTIONS = ("seed", "method", "encoder", "labels", "preprocess", "augment", "pretrain", "teach", "distill")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one cell is: names, budget in passes, and where its fold was prepared (an absolute path)."""

    protocol: str
    preset: str
    fold: int
    passes: float
    place: Path

    @property
    def name(self) -> str:
        """For a person and for file names."""
        return f"{self.protocol}/{self.preset}-{self.fold}"

    @property
    def place_in_table(self) -> tuple[str, str, int]:
        """Protocol, preset and fold."""
        return self.protocol, self.preset, self.fold


@dataclass(frozen=True)
class Ready:
    """A cell with its settings, epochs and key: all that decides its result."""

    cell: Cell
    config: Config
    method: Method
    plan: Plan
    overrides: list[str]
    key: str


def ready(cell: Cell, root: Path, overrides: list[str]) -> Ready:
    """Settings of ROOT/params.yaml with OVERRIDES, epochs from the budget, and the key over settings, data and code."""
    named = [*overrides, f"method={cell.preset}", f"seed={SEED + cell.fold}"]
    method, before = method_by_name(cell.preset), load_config(root, named)
    folders = fold_folders(cell.place)
    counts = Counts.of(training_rows(folders.dataset, folders.expanded))
    epochs = plan(method, counts, before, cell.passes)
    config = load_config(root, [*named, *epochs.overrides(before)])
    besides = [*roundings(config.scale), code_digest(SCORING)]
    every = dataclasses.asdict(config)
    told = {name: every[name] for name in SECTIONS}
    code = [Path(__file__), Path(__file__).with_name("budget.py")]
    key = run_key([told, besides, cell.name, cell.passes], [*folders.inputs, cell.place / "parts.parquet", *code])
    return Ready(cell, config, method, epochs, overrides, key)


def run_cell(each: Ready, *, scratch: Path, out: Path) -> Result:
    """Train, choose teacher or student by their validation AUC, score, and write OUT/<protocol>/<preset>-<fold>.*.

    A killed cell goes on from its last checkpoint, which lies below SCRATCH (an absolute path).
    """
    work = scratch / "cells" / each.key
    folders = dataclasses.replace(
        fold_folders(each.cell.place), pretrain=_pretrain_folder(each, scratch), teacher=work / "teacher"
    )
    seconds: dict[str, float] = {}
    with _inside(work):
        if each.plan.pretrain and not (folders.pretrain / "pretrain.json").is_file():
            with _timed(seconds, "pretrain"):
                pretrain(each.config, folders, out=folders.pretrain)
        with _timed(seconds, "teach"):
            teach(each.config, folders, out=folders.teacher)
        models = {"teacher": folders.teacher}
        if each.plan.distill:
            models["student"] = work / "student"
            with _timed(seconds, "distill"):
                distill(each.config, folders, out=models["student"])
        with _timed(seconds, "score"):
            rows = _score(models, folders, each)
    result = _result(each, models, rows, seconds)
    write_result(out, result, rows)
    shutil.rmtree(work)
    return result


def _pretrain_folder(each: Ready, scratch: Path) -> Path:
    """One pre-training for all presets that share seed, data and settings."""
    config = each.config
    settings = [config.seed, config.pretrain, config.encoder, config.preprocess, config.augment]
    return scratch / "pretrain" / run_key(settings, fold_folders(each.cell.place).inputs)


def _score(models: dict[str, Path], folders: Folders, each: Ready) -> pd.DataFrame:
    """Log-odds of each model for the rows of every part but training."""
    parts = read_table(each.cell.place / "parts.parquet")
    manifest = read_manifest(folders.dataset / "manifest.parquet").merge(parts, on="image_id")
    rows = manifest[~manifest["part"].isin(["train", "excluded"])].reset_index(drop=True)
    scale = each.config.scale
    for name, where in models.items():
        told = predict(
            load_detector(where),
            rows["key"].tolist(),
            folders.dataset,
            device=scale.device,
            workers=scale.workers,
            what=f"scoring {each.cell.name}, {name}",
        )
        rows[name] = told.logit
    kept = ["image_id", "group", "source", "generator", "domain", "part", *models]
    return rows[kept].assign(fake=rows["label"] == "fake")


def _result(each: Ready, models: dict[str, Path], rows: pd.DataFrame, seconds: dict[str, float]) -> Result:
    validation = {name: read_json(where / "metrics.json")["validation_auc"] for name, where in models.items()}
    chosen = max(validation, key=lambda name: validation[name] or 0.0)
    prepared = read_json(each.cell.place / "prepared.json")
    return Result(
        key=each.key,
        protocol=each.cell.protocol,
        preset=each.cell.preset,
        fold=each.cell.fold,
        data=prepared["data"],
        code=run_key([], []),
        overrides=each.overrides,
        shortcut=read_json(each.cell.place / "shortcut.json"),
        budget=each.cell.passes,
        passes=round(each.plan.passes),
        epochs={name: value for name, value in dataclasses.asdict(each.plan).items() if name != "passes"},
        seconds={name: round(value, 1) for name, value in seconds.items()},
        validation=validation,
        chosen=chosen,
        thresholds=_thresholds(rows, chosen),
    )


def _thresholds(rows: pd.DataFrame, chosen: str) -> dict[str, float]:
    """Log-odds that 5 % of the validation reals exceed, and of half of the reals of another source."""
    found = {}
    for name, part in (("own", "validation"), ("other", "threshold")):
        reals = rows[(rows["part"] == part) & ~rows["fake"]]
        if len(reals):
            found[name] = float(np.quantile(reals[chosen], 1 - FALSE_POSITIVES, method="higher"))
    return found


@contextlib.contextmanager
def _inside(work: Path) -> Iterator[None]:
    # Checkpoints are kept below the working directory.
    work.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(work):
        yield


@contextlib.contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[name] = time.monotonic() - start
