"""What the training stages read, and what every one of them writes the same way."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unmask.config import Preprocess
from unmask.data.loading import Crops, load_crops, training_rows, validation_rows
from unmask.data.preprocess import PreprocessSpec
from unmask.files import replacing, write_json
from unmask.models.detector import Detector, save_detector


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

    def training_crops(self, settings: Preprocess, *, unlabelled: bool, labelled: bool = True) -> Crops:
        """Crops of the train split and the generated ones; hidden labels are blank."""
        rows = training_rows(self.dataset, self.expanded)
        has_label = rows["label"].isin(["real", "fake"])
        chosen = rows[(has_label & labelled) | (~has_label & unlabelled)].reset_index(drop=True)
        return load_crops(chosen, self.expanded / "labels.parquet", spec_of(settings), "decoding training crops")

    def validation_crops(self, settings: Preprocess) -> Crops:
        """Labelled crops of the val split."""
        rows = validation_rows(self.dataset)
        return load_crops(rows, self.expanded / "labels.parquet", spec_of(settings), "decoding validation crops")


def spec_of(settings: Preprocess) -> PreprocessSpec:
    """The preprocessing section as the value that training, evaluation and service share."""
    return PreprocessSpec(size_px=settings.size_px, window_px=settings.window_px, shrink=settings.shrink)


def write_history(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write one row an epoch as CSV, for `dvc plots` and the report."""
    with replacing(path) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)


def write_detector(out: Path, detector: Detector, history: Sequence[Mapping[str, float]]) -> float:
    """Write model, history and metrics; returns the best validation AUC (NaN where there was none)."""
    best = max((row["validation_auc"] for row in history if "validation_auc" in row), default=float("nan"))
    save_detector(out, detector, {})
    write_history(out / "history.csv", history)
    write_json(out / "metrics.json", {"epochs": len(history), "validation_auc": None if math.isnan(best) else best})
    return best
