"""Numbers of a column: mean and spread over folds, and paired differences with intervals over groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.methods.protocols import Column
from unmask.evaluation.bootstrap import Interval, group_intervals
from unmask.evaluation.metrics import Scored, scored
from unmask.serving.verdict import Thresholds

Floats = npt.NDArray[np.float64]
RESAMPLES = 1000
CONFIDENCE = 0.95
SEED = 7
# Areas and shares above a fixed threshold need no verdict.
_NO_VERDICT = Thresholds(0.5, 0.5)


@dataclass(frozen=True)
class Judged:
    """One candidate on one fold: its test rows with `logit`, `fake`, `part`, `group`, and its thresholds."""

    rows: pd.DataFrame
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Number:
    """Mean over folds, standard deviation between them (None of one fold), interval over groups, value by fold."""

    mean: float
    spread: float | None
    interval: Interval | None
    by_fold: tuple[float, ...]


def compare(column: Column, candidates: Mapping[str, Sequence[Judged]], against: str) -> dict[str, Number]:
    """Each candidate's number and, as `<name> - <against>`, its paired difference.

    CANDIDATES hold the same folds in the same order. A resample draws groups once for all candidates and all folds, so
    differences are paired; a model's luck in training is in the spread, not in the interval.
    """
    groups = np.unique(np.concatenate([each.rows["group"] for folds in candidates.values() for each in folds]))
    measured = {name: [_Measured.of(column, each, groups) for each in folds] for name, folds in candidates.items()}

    def by_fold(weights: Floats) -> dict[str, list[float]]:
        values = {name: [each.value(weights) for each in folds] for name, folds in measured.items()}
        return values | {
            f"{name} - {against}": [a - b for a, b in zip(values[name], values[against], strict=True)]
            for name in values
            if name != against
        }

    whole = by_fold(np.ones(len(groups)))
    intervals = group_intervals(
        lambda weights: {name: fmean(values) for name, values in by_fold(weights).items()},
        np.arange(len(groups)),
        resamples=RESAMPLES,
        confidence=CONFIDENCE,
        seed=SEED,
    )
    return {
        name: Number(fmean(values), stdev(values) if len(values) > 1 else None, intervals[name], tuple(values))
        for name, values in whole.items()
    }


@dataclass(frozen=True)
class _Measured:
    column: Column
    rows: Scored
    codes: npt.NDArray[np.int64]
    threshold: float

    @classmethod
    def of(cls, column: Column, each: Judged, groups: npt.NDArray[np.str_]) -> "_Measured":
        chosen = each.rows[each.rows["part"].isin(column.parts)].sort_values("logit", kind="stable")
        rows = scored(
            fake=chosen["fake"],
            logit=chosen["logit"],
            p=np.zeros(len(chosen)),
            groups=chosen["group"],
            thresholds=_NO_VERDICT,
        )
        codes = np.searchsorted(groups, chosen["group"].to_numpy(dtype=str))
        return cls(column, rows, codes, each.thresholds[column.threshold] if column.threshold else float("nan"))

    def value(self, group_weights: Floats) -> float:
        """The column's number when each group counts that often; NaN where a class vanishes."""
        weights = group_weights[self.codes]
        if self.column.kind == "auc":
            curve = self.rows.curve(weights)
            return curve.auc() if curve else float("nan")
        chosen = weights * (self.rows.fake if self.column.kind == "recall" else ~self.rows.fake)
        total = float(chosen.sum())
        return float(chosen @ (self.rows.logit > self.threshold)) / total if total else float("nan")
