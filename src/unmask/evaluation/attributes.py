"""AUC of each label's marginal over test rows, among all pictures and among fakes alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.config import Evaluate
from unmask.data.tables import read_table
from unmask.errors import DataError
from unmask.evaluation.bootstrap import Floats, Independent, Interval, Weights, bounded_interval, group_codes, resampled
from unmask.evaluation.metrics import NAN, Scored, scored
from unmask.evaluation.numbers import MIN_ROWS
from unmask.serving.verdict import Thresholds

MEAN = "mean"
NO_THRESHOLDS = Thresholds(fake=1.0, real=0.0)  # only the ranking counts


@dataclass(frozen=True)
class Ranked:
    """Rows of one label that are known, by rising marginal: their places among all rows (K,), and the scores."""

    places: npt.NDArray[np.int64]
    scores: Scored

    def auc(self, weights: Weights) -> Floats:
        """Probability that an altered row scores above an intact one (...); WEIGHTS (..., N) are of all rows."""
        curve = self.scores.curve(weights[..., self.places])
        return np.full(weights.shape[:-1], NAN) if curve is None else curve.auc()

    def interval(self, value: float, drawn: Floats, confidence: float) -> Interval | None:
        """Of its AUC, from the AUCs of resamples (R,)."""
        return bounded_interval(value, drawn, Independent.of(self.scores.groups, self.scores.fake), confidence)

    @property
    def lacking(self) -> str:
        """Why there is no AUC; empty where there is one."""
        for word, flags in (("altered", self.scores.fake), ("intact", ~self.scores.fake)):
            count = int(flags.sum())
            if count < MIN_ROWS:
                return f"only {count} {word}"
            if len(np.unique(self.scores.groups[flags])) < 2:
                return f"every {word} one is of one group"
        return ""


def label_vectors(rows: pd.DataFrame, labels: Path) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Target and which entries of it are known, both (N, n), of rows by their `image_id`.

    Raises:
        DataError: a row has no vector in LABELS.
    """
    table = read_table(labels, ["image_id", "target", "target_mask"]).set_index("image_id")
    lost = rows.loc[~rows["image_id"].isin(table.index), "image_id"]
    if len(lost):
        raise DataError(f"{labels}: no label vector for {lost.iloc[0]}; run `dvc repro expand`")
    found = table.loc[rows["image_id"]]
    target, known = (np.stack(found[name].to_list()).astype(bool) for name in ("target", "target_mask"))
    return target, known


def attribute_aucs(
    test: pd.DataFrame,
    *,
    names: Sequence[str],
    target: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
    settings: Evaluate,
    seed: int,
) -> list[dict[str, Any]]:
    """One row a label: `all` counts every known row, `fakes` only fakes, which is blind to mere detection.

    TEST has one candidate's `marginals`, `label` and `group`; NAMES are the columns of TARGET and KNOWN (N, n). Numbers
    are {value, low, high, altered, intact} with `reason` where there is no value; the last row, `mean`, is the mean
    over the labels below the root that have a value among fakes.
    """
    fake = (test["label"] == "fake").to_numpy()
    marginals = np.stack(test["marginals"].to_list()).astype(np.float64)
    groups = group_codes(test["group"])

    def ranked(label: int, rows: npt.NDArray[np.bool_]) -> Ranked:
        places = np.flatnonzero(rows & known[:, label])
        places = places[np.argsort(marginals[places, label], kind="stable")]
        scores, truth = marginals[places, label], target[places, label]
        return Ranked(
            places, scored(fake=truth, logit=scores, p=scores, groups=groups[places], thresholds=NO_THRESHOLDS)
        )

    everyone = {name: ranked(label, np.ones(len(fake), dtype=np.bool_)) for label, name in enumerate(names)}
    fakes = {name: ranked(label, fake) for label, name in enumerate(names) if label}
    every_number = _numbers(everyone, groups, settings, seed)
    fake_numbers = _numbers(fakes, groups, settings, seed)
    rows = [{"label": name, "all": every_number[name], "fakes": fake_numbers.get(name)} for name in names]
    return [*rows, {"label": MEAN, "all": None, "fakes": fake_numbers[MEAN]}]


def _numbers(
    ranked: Mapping[str, Ranked], groups: npt.NDArray[np.int64], settings: Evaluate, seed: int
) -> dict[str, dict[str, Any]]:
    sound = {name: one for name, one in ranked.items() if not one.lacking}

    def measure(weights: Weights) -> dict[str, Floats]:
        values = {name: one.auc(weights) for name, one in sound.items()}
        return values | {MEAN: np.mean(list(values.values()), axis=0) if values else np.full(len(weights), NAN)}

    values = {name: float(found[0]) for name, found in measure(np.ones((1, len(groups)))).items()}
    drawn = resampled(measure, groups, resamples=settings.bootstrap, seed=seed)
    numbers = {}
    for name, one in ranked.items():
        interval = one.interval(values[name], drawn[name], settings.confidence) if name in sound else None
        altered = int(one.scores.fake.sum())
        found = number(values.get(name), interval, one.lacking)
        numbers[name] = found | {"altered": altered, "intact": len(one.places) - altered}
    if not sound:
        return numbers | {MEAN: number(None, None, "no label has enough rows") | {"labels": 0, "rows": 0}}
    rested_on = np.unique(np.concatenate([one.places for one in sound.values()]))
    independent = Independent.of_one_class(groups[rested_on])
    resampled_mean = bounded_interval(values[MEAN], drawn[MEAN], independent, settings.confidence)
    mean = number(values[MEAN], _of_mean([numbers[name] for name in sound], values, resampled_mean), "")
    return numbers | {MEAN: mean | {"labels": len(sound), "rows": len(rested_on)}}


def _of_mean(
    numbers: Sequence[Mapping[str, Any]], values: Mapping[str, float], resampled_mean: Interval | None
) -> Interval | None:
    """Of the mean over labels: where one of them is 0 or 1 no resample of it differs, so the mean of their own ends."""
    if not any(value in {0.0, 1.0} for name, value in values.items() if name != MEAN):
        return resampled_mean
    ends = [[one[end] for one in numbers] for end in ("low", "high")]
    if any(value is None for side in ends for value in side):
        return None
    return float(np.mean(ends[0])), float(np.mean(ends[1]))


def number(value: float | None, interval: Interval | None, reason: str) -> dict[str, Any]:
    """Value with its interval, rounded; nothing but a reason where either is missing."""
    if reason or value is None or interval is None:
        return {"value": None, "low": None, "high": None, "reason": reason or "a class vanishes from many resamples"}
    return {"value": round(value, 5), "low": round(interval[0], 5), "high": round(interval[1], 5)}
