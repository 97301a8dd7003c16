"""Everything that is computed from predictions alone: measured slices, the headline, plot data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.calibration import Calibration, Floats, fit
from unmask.evaluation.metrics import RELIABILITY_BINS, Scored, scored
from unmask.evaluation.slices import References, measure_slice, slices
from unmask.serving.verdict import Thresholds, calibrate, verdicts

Measured = dict[str, Any]
ROC_POINTS = 101
# name in build/metrics.json -> (slice, metric)
HEADLINE = {
    "auc_seen": ("seen", "auc"),
    "auc_unseen": ("unseen", "auc"),
    "fpr_real": ("all", "fpr"),
    "recall_seen": ("seen", "recall"),
    "recall_unseen": ("unseen", "recall"),
    "eer": ("seen", "eer"),
    "ece": ("all", "ece"),
}


@dataclass(frozen=True)
class Candidate:
    """One detector: its name, calibration, predictions on validation and test rows, and measured slices."""

    name: str
    calibration: Calibration
    predictions: pd.DataFrame
    measured: Sequence[Measured]

    @property
    def test(self) -> pd.DataFrame:
        """Predictions on test rows."""
        return self.predictions[self.predictions["split"] == "test"]

    def find(self, name: str, *, kind: str = "overall", level: str = "frame") -> Measured | None:
        """The measured slice of that name."""
        wanted = (kind, name, level)
        return next((row for row in self.measured if (row["kind"], row["name"], row["level"]) == wanted), None)

    def of_kind(self, kind: str, level: str = "frame") -> list[Measured]:
        """All measured slices of a kind."""
        return [row for row in self.measured if row["kind"] == kind and row["level"] == level]

    def scored(self, *, seen: bool | None = None) -> Scored:
        """Test rows for curves: all of them, or all reals with the fakes of seen or of unseen generators."""
        test = self.test
        rows = test if seen is None else test[(test["label"] == "real") | (test["seen"] == seen)]
        return score_rows(rows, self.calibration.thresholds)


def score_rows(rows: pd.DataFrame, thresholds: Thresholds) -> Scored:
    """Predictions as the metrics take them."""
    fake = rows["label"] == "fake"
    return scored(fake=fake, logit=rows["logit"], p=rows["p_fake"], groups=rows["group"], thresholds=thresholds)


def calibrated(predictions: pd.DataFrame, settings: Evaluate) -> tuple[pd.DataFrame, Calibration]:
    """Choose temperature and thresholds on validation rows alone; the predictions with `p_fake` and `verdict`.

    Raises:
        DataError: `check_predictions` refuses the rows, or validation has too few of a class.
    """
    check_predictions(predictions)
    val = predictions[predictions["split"] == "val"]
    calibration = fit(
        logit=val["logit"], fake=val["label"] == "fake", seen=val["seen"], groups=val["group"], settings=settings
    )
    p = calibrate(predictions["logit"].to_numpy(dtype=np.float64), calibration.temperature)
    return predictions.assign(p_fake=p, verdict=verdicts(p, calibration.thresholds)), calibration


def check_predictions(predictions: pd.DataFrame) -> None:
    """See that every row counts once, has a score, and that no group helps to choose what it is then measured by.

    Raises:
        DataError: a score is not a number, an image_id stands twice, or a group has rows in both val and test.
    """
    whole = np.isfinite(predictions["logit"].to_numpy(dtype=np.float64))
    if not whole.all():
        lost = predictions.loc[~whole].iloc[0]
        remedy = "the model is damaged, train it again"
        raise DataError(f"picture {lost['image_id']} has the score {lost['logit']} ({(~whole).sum()} such); {remedy}")
    twice = predictions.loc[predictions["image_id"].duplicated(), "image_id"]
    if len(twice):
        raise DataError(f"picture {twice.iloc[0]} stands twice among the predictions; run `dvc repro assemble`")
    crossing = set(predictions.loc[predictions["split"] == "val", "group"]) & set(
        predictions.loc[predictions["split"] == "test", "group"]
    )
    if crossing:
        raise DataError(f"group {min(crossing)} has rows in both val and test; run `dvc repro assemble`")


def measure(
    name: str,
    predictions: pd.DataFrame,
    calibration: Calibration,
    *,
    settings: Evaluate,
    references: References,
    seed: int,
) -> Candidate:
    """Measure every slice of a candidate's test rows; REFERENCES as in `slices`."""
    test = predictions[predictions["split"] == "test"]
    parts = slices(test, references, temperature=calibration.temperature)
    measured = [measure_slice(part, calibration.thresholds, settings, seed=seed) for part in parts]
    return Candidate(name, calibration, predictions, measured)


def headline_numbers(candidate: Candidate) -> dict[str, Any]:
    """The few numbers of build/metrics.json, each {value, low, high, n_real, n_fake}."""
    numbers = {}
    for key, (part, metric) in HEADLINE.items():
        row = candidate.find(part)
        if row and row["metrics"]:
            numbers[key] = row["metrics"][metric]
    return numbers


def roc_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """True-positive rate of each candidate on seen and unseen generators over one grid of false-positive rates."""
    grid = np.linspace(0.0, 1.0, ROC_POINTS)
    return found_at(candidates, grid).assign(fpr=grid.round(4))


def found_at(candidates: Sequence[Candidate], grid: Floats) -> pd.DataFrame:
    """`fpr`, and as `NAME_seen` and `NAME_unseen` the share of fakes found at each false-positive rate of GRID."""
    columns: dict[str, Any] = {"fpr": grid}
    for candidate in candidates:
        for seen, name in ((True, "seen"), (False, "unseen")):
            rows = candidate.scored(seen=seen)
            curve = rows.curve(np.ones(len(rows.fake)))
            if curve is not None:
                columns[f"{candidate.name}_{name}"] = [round(float(curve.tpr_at(float(fpr))), 5) for fpr in grid]
    return pd.DataFrame(columns)


def reliability_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """Share of fakes in each bin of calibrated probability, with the perfect diagonal as `ideal`."""
    middles = (np.arange(RELIABILITY_BINS) + 0.5) / RELIABILITY_BINS
    columns: dict[str, Any] = {"p_fake": middles.round(3), "ideal": middles.round(3)}
    for candidate in candidates:
        columns[candidate.name] = candidate.scored().reliability()[1].round(5)
    return pd.DataFrame(columns)


def generator_rows(candidates: Sequence[Candidate], shortcut: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a (source, generator): AUC of each candidate with its interval, and the shortcut's AUC beside it."""
    simple = {(row["source"], row["generator"]): row["auc"] for row in shortcut}
    rows = []
    for first in candidates[0].of_kind("generator"):
        key = (first["source"], first["generator"])
        row = {name: first[name] for name in ("source", "generator", "seen", "reference", "n_real", "n_fake", "groups")}
        row["shortcut_auc"] = simple.get(key)
        for candidate in candidates:
            found = candidate.find(first["name"], kind="generator")
            row[candidate.name] = {name: found["metrics"][name] for name in ("auc", "recall")} if found else None
        rows.append(row)
    return sorted(rows, key=lambda row: (not row["seen"], row["source"], row["generator"]))


def generator_table(rows: Sequence[Mapping[str, Any]], candidates: Sequence[Candidate]) -> pd.DataFrame:
    """`generator_rows` flat, for `dvc plots` and spreadsheets."""
    flat = []
    for row in rows:
        line = {"generator": f"{row['source']}/{row['generator']}", "kind": "seen" if row["seen"] else "unseen"}
        line |= {name: row[name] for name in ("n_real", "n_fake", "reference", "shortcut_auc")}
        for candidate in candidates:
            auc = row[candidate.name]["auc"]
            line |= {candidate.name: auc["value"]}
            line |= {f"{candidate.name}_{end}": auc[end] for end in ("low", "high")}
        flat.append(line)
    return pd.DataFrame(flat)
