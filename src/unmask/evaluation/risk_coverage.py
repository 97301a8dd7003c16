"""Coverage against error: how wrong the verdicts are, the fewer of them are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import (
    Codes,
    Floats,
    Independent,
    Interval,
    bounded_interval,
    group_codes,
    resampled_weights,
)
from unmask.evaluation.measure import Candidate
from unmask.serving.verdict import Thresholds

Bools = npt.NDArray[np.bool_]
COLUMNS = ["candidate", "coverage", "error", "low", "high"]
STEPS = 20
MIN_DECIDED = 10  # rows; an error among fewer says nothing


def coverage_table(candidates: Sequence[Candidate], settings: Evaluate, *, seed: int) -> pd.DataFrame:
    """The risk-coverage curve of each candidate on test rows (El-Yaniv and Wiener 2010), each class weighing half.

    Rows are decided from the surest on, by the distance of their log-odds from the middle of the two thresholds; the
    band that ships therefore lies on the curve. Columns: candidate; coverage, the share that is decided; error,
    the share of wrong verdicts among these; low and high, its interval over resampled groups. A candidate without test
    rows of both classes has no curve.
    """
    curves = [_curve(one, settings, seed=seed).assign(candidate=one.name) for one in candidates]
    return pd.concat(curves, ignore_index=True).reindex(columns=COLUMNS).round(5)


def middle(thresholds: Thresholds) -> float:
    """The log-odds halfway between the two thresholds."""
    ends = np.clip([thresholds.real, thresholds.fake], 1e-12, 1 - 1e-12)
    return float(np.log(ends / (1 - ends)).mean())


@dataclass(frozen=True)
class _Cuts:
    """Rows (N,) and which of them K cuts decide, and decide wrongly: flags (N, K); groups are codes 0..G-1."""

    fake: Bools
    groups: Codes
    decided: Bools
    wrong: Bools

    @cached_property
    def count(self) -> int:
        """Groups there are."""
        return int(self.groups.max()) + 1

    @cached_property
    def _sums(self) -> list[tuple[Floats, Floats, Floats]]:
        """Rows, decided and wrong ones of each group, by class."""
        classes = (self.fake[:, None], ~self.fake[:, None])
        return [
            (
                _group_sums(one, self.groups, self.count),
                _group_sums(self.decided & one, self.groups, self.count),
                _group_sums(self.wrong & one, self.groups, self.count),
            )
            for one in classes
        ]

    def shares(self, counts: Floats) -> tuple[Floats, Floats]:
        """Coverage and error (B, K), each class weighing half, when group g is drawn COUNTS[b, g] times."""
        with np.errstate(invalid="ignore"):  # a resample without one class gives NaN, which the interval leaves out
            covered = sum(counts @ decided / (counts @ rows) / 2 for rows, decided, _ in self._sums)
            missed = sum(counts @ wrong / (counts @ rows) / 2 for rows, _, wrong in self._sums)
            return np.asarray(covered), np.asarray(missed / covered)

    def interval(self, column: int, value: float, drawn: Floats, confidence: float) -> Interval | None:
        """Of one cut's error, resting on the class of which fewer are decided."""
        decided = self.decided[:, column]
        groups, fake = self.groups[decided], self.fake[decided]
        both = 0 < fake.sum() < len(fake)
        independent = Independent.of(groups, fake) if both else Independent.of_one_class(groups)
        return bounded_interval(value, drawn[:, column], independent, confidence)


def _curve(candidate: Candidate, settings: Evaluate, *, seed: int) -> pd.DataFrame:
    test = candidate.test
    fake = (test["label"] == "fake").to_numpy(dtype=np.bool_)
    if not 0 < fake.sum() < len(fake):
        return pd.DataFrame()
    odds = test["logit"].to_numpy(dtype=np.float64) / candidate.calibration.temperature
    cuts = _cuts(odds - middle(candidate.calibration.thresholds), fake, test["group"])
    coverage, error = (values[0] for values in cuts.shares(np.ones((1, cuts.count))))
    resampled = resampled_weights(np.arange(cuts.count), resamples=settings.bootstrap, seed=seed)
    drawn = np.concatenate([cuts.shares(counts)[1] for counts in resampled])
    intervals = [cuts.interval(at, value, drawn, settings.confidence) or (None, None) for at, value in enumerate(error)]
    low, high = zip(*intervals, strict=True)
    return pd.DataFrame({"coverage": coverage, "error": error, "low": low, "high": high}).sort_values("coverage")


def _cuts(distance: Floats, fake: Bools, groups: pd.Series) -> _Cuts:
    """Cuts at quantiles of the absolute DISTANCE (N,), which is above 0 where the verdict is fake."""
    sureness = np.abs(distance)
    levels = np.unique(np.quantile(sureness, np.linspace(0, 1, STEPS, endpoint=False)))
    decided = sureness[:, None] >= levels
    decided = decided[:, (decided.sum(axis=0) >= MIN_DECIDED) | (levels == levels[0])]
    codes = group_codes(groups)
    return _Cuts(fake, codes, decided, decided & ((distance > 0) != fake)[:, None])


def _group_sums(rows: Bools, groups: Codes, count: int) -> Floats:
    """How many of the flags (N, K) each group holds: (COUNT, K)."""
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, groups, rows)
    return sums
