"""What the training stages read, and what every one of them writes the same way."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unmask.config import Config, Preprocess
from unmask.data.loading import Crops, load_crops, training_rows, validation_rows
from unmask.data.preprocess import PreprocessSpec
from unmask.files import replacing, write_json
from unmask.models.detector import CHAMPION, Detector, save_detector
from unmask.training.log import Log


@dataclass(frozen=True)
class Folders:
    """Outputs of the earlier stages, and where the model lies that training may go on from; None starts afresh."""

    dataset: Path = Path("build/dataset")
    expanded: Path = Path("build/expanded")
    pretrain: Path = Path("build/pretrain")
    teacher: Path = Path("build/teacher")
    champion: Path | None = None

    @property
    def inputs(self) -> list[Path]:
        """Files whose content decides what training sees; crops are named by their content in the manifests."""
        return [
            self.dataset / "manifest.parquet",
            self.expanded / "manifest.parquet",
            self.expanded / "labels.parquet",
        ]

    def training_crops(self, config: Config, *, unlabelled: bool) -> Crops:
        """Crops of the train split and the generated ones; hidden labels are blank."""
        rows = training_rows(self.dataset, self.expanded)
        has_label = rows["label"].isin(["real", "fake"])
        return self._load(rows[has_label | unlabelled].reset_index(drop=True), config, "decoding training crops")

    def validation_crops(self, config: Config) -> Crops:
        """Labelled crops of the val split."""
        return self._load(validation_rows(self.dataset), config, "decoding validation crops")

    def _load(self, rows: pd.DataFrame, config: Config, what: str) -> Crops:
        labels, spec = self.expanded / "labels.parquet", spec_of(config.preprocess)
        return load_crops(rows, labels, spec, what, memory_gb=config.scale.crop_memory_gb)


def spec_of(settings: Preprocess) -> PreprocessSpec:
    """The preprocessing section as the value that training, evaluation and service share."""
    return PreprocessSpec(size_px=settings.size_px, window_px=settings.window_px, shrink=settings.shrink)


def write_log(out: Path, log: Log) -> None:
    """Write history.csv, a row an epoch for `dvc plots` and the report, and steps.jsonl, a row every few steps."""
    with replacing(out / "history.csv") as temporary:
        pd.DataFrame(log.history).to_csv(temporary, index=False)
    with replacing(out / "steps.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(row, allow_nan=False) + "\n" for row in log.steps))


def write_detector(out: Path, detector: Detector, log: Log, *, score: float | None, champion: str = "") -> None:
    """Write model, log and metrics.

    SCORE is the validation AUC of the weights, None where there was none; CHAMPION the version that they went on from.
    """
    save_detector(out, detector, {CHAMPION: champion} if champion else {})
    write_log(out, log)
    write_json(out / "metrics.json", {"epochs": len(log.history), "validation_auc": score})


def told(score: float | None) -> str:
    """A validation score for a summary."""
    return "unknown" if score is None else f"{score:.3f}"
