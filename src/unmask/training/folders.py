"""What the training stages read, and what every one of them writes the same way."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unmask.config import Config, Preprocess
from unmask.data.loading import Crops, load_crops, training_rows, validation_rows
from unmask.data.preprocess import PreprocessSpec
from unmask.files import replacing, write_json
from unmask.models.detector import Detector, save_detector
from unmask.training.log import Log


@dataclass(frozen=True)
class Folders:
    """Outputs of the earlier stages."""

    dataset: Path = Path("build/dataset")
    expanded: Path = Path("build/expanded")
    pretrain: Path = Path("build/pretrain")
    teacher: Path = Path("build/teacher")

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


def write_detector(out: Path, detector: Detector, log: Log) -> float:
    """Write model, log and metrics; returns the best validation AUC (NaN where there was none)."""
    history = log.history
    best = max((row["validation_auc"] for row in history if "validation_auc" in row), default=float("nan"))
    save_detector(out, detector, {})
    write_log(out, log)
    write_json(out / "metrics.json", {"epochs": len(history), "validation_auc": None if math.isnan(best) else best})
    return best
