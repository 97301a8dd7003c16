"""Detection metrics of weighted rows, ties exact; a weight is how often the bootstrap drew a row."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from unmask.serving.verdict import Thresholds, verdicts

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
RELIABILITY_BINS = 10
STRICT_FPR = 0.05  # the false-positive rate of `tpr_at_fpr5`
NAMES = (
    "auc", "average_precision", "eer", "tpr_at_fpr5", "fpr", "recall", "miss", "uncertain", "accuracy",
    "balanced_accuracy", "ece",
)  # fmt: skip
NAN = float("nan")


@dataclass(frozen=True)
class Curve:
    """Error rates at every threshold: fpr, tpr (K + 1,), from all flagged (1, 1) to none (0, 0), and class weights.

    A threshold lies only between two distinct scores, which is what makes ties exact.
    """

    fpr: Floats
    tpr: Floats
    real_weight: float
    fake_weight: float

    def auc(self) -> float:
        """Probability that a fake scores above a real, ties counting half (Mann-Whitney; trapezoids on the curve)."""
        return float(-np.diff(self.fpr) @ (self.tpr[1:] + self.tpr[:-1]) / 2)

    def average_precision(self) -> float:
        """Sum of the steps in recall, each times the precision there."""
        found = self.tpr[:-1] * self.fake_weight
        flagged = self.fpr[:-1] * self.real_weight + found
        precision = np.divide(found, flagged, out=np.ones_like(flagged), where=flagged > 0)
        return float(-np.diff(self.tpr) @ precision)

    def eer(self) -> float:
        """Equal error rate: the false-positive rate where it is closest to the miss rate."""
        return float(self.fpr[int(np.argmin(np.abs(1 - self.tpr - self.fpr)))])

    def tpr_at(self, fpr: float) -> float:
        """Largest share of fakes found at a false-positive rate of at most FPR on these very reals."""
        return float(self.tpr[int(np.argmax(self.fpr <= fpr + 1e-12))])


@dataclass(frozen=True)
class Scored:
    """Rows of one slice in rising order of score: what is true, and what the detector said; made by `scored`.

    Shapes: fake (N,) bool; logit, p (N,) log-odds and calibrated probability of fake; groups (N,) int codes.
    Weights (N,) come in the same order.
    """

    fake: Bools
    logit: Floats
    p: Floats
    groups: npt.NDArray[np.int64]
    thresholds: Thresholds

    @property
    def n_real(self) -> int:
        """Rows that are real."""
        return int(np.count_nonzero(~self.fake))

    @property
    def n_fake(self) -> int:
        """Rows that are fake."""
        return int(np.count_nonzero(self.fake))

    @cached_property
    def _run_ends(self) -> npt.NDArray[np.int64]:
        return np.append(np.flatnonzero(self.logit[1:] != self.logit[:-1]), len(self.logit) - 1)

    def curve(self, weights: Floats) -> Curve | None:
        """The weighted error rates; None where a class has no weight."""
        both = np.cumsum(weights)[self._run_ends]
        fakes = np.cumsum(weights * self.fake)[self._run_ends]
        reals = both - fakes
        if reals[-1] <= 0 or fakes[-1] <= 0:
            return None
        fpr, tpr = (1 - np.concatenate(([0.0], below)) / below[-1] for below in (reals, fakes))
        return Curve(fpr, tpr, float(reals[-1]), float(fakes[-1]))

    def measure(self, weights: Floats) -> dict[str, float]:
        """Every metric of `NAMES`; NaN where a class that it needs has no weight."""
        fpr, recall = _share(self._flagged, weights * ~self.fake), _share(self._flagged, weights * self.fake)
        values = {
            "fpr": fpr,
            "recall": recall,
            "miss": _share(self.verdict == "real", weights * self.fake),
            "uncertain": self._uncertain(weights),
            "accuracy": _share(self._flagged == self.fake, weights),
            "balanced_accuracy": (recall + 1 - fpr) / 2,
            "ece": self._ece(weights),
        }
        curve = self.curve(weights)
        if curve is None:
            return values | dict.fromkeys(("auc", "average_precision", "eer", "tpr_at_fpr5"), NAN)
        ranking = {"auc": curve.auc(), "average_precision": curve.average_precision(), "eer": curve.eer()}
        return values | ranking | {"tpr_at_fpr5": curve.tpr_at(STRICT_FPR)}

    @cached_property
    def verdict(self) -> npt.NDArray[np.str_]:
        """Verdict of each row at the shipped thresholds."""
        return verdicts(self.p, self.thresholds)

    @cached_property
    def _flagged(self) -> Bools:
        return np.asarray(self.verdict == "fake", dtype=np.bool_)

    def _uncertain(self, weights: Floats) -> float:
        """Share of rows without a verdict, each class counting half."""
        undecided = self.verdict == "uncertain"
        return (_share(undecided, weights * ~self.fake) + _share(undecided, weights * self.fake)) / 2

    @cached_property
    def _bins(self) -> npt.NDArray[np.int64]:
        return np.minimum((self.p * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)

    def _ece(self, weights: Floats) -> float:
        """Expected calibration error over bins of equal width, each class weighing half (Naeini et al. 2015)."""
        halves = _halves(self.fake, weights)
        if halves is None:
            return NAN
        return float(np.abs(np.bincount(self._bins, halves * (self.fake - self.p))).sum())

    def reliability(self) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Mean probability, share of fakes (each class weighing half) and rows of each bin; NaN where it is empty."""
        rows = np.bincount(self._bins, minlength=RELIABILITY_BINS)
        halves = _halves(self.fake, np.ones(len(self.fake)))
        if halves is None:
            nothing = np.full(RELIABILITY_BINS, NAN)
            return nothing, nothing, rows
        total = np.bincount(self._bins, halves, minlength=RELIABILITY_BINS)
        total[rows == 0] = NAN
        mean = np.bincount(self._bins, halves * self.p, minlength=RELIABILITY_BINS) / total
        return mean, np.bincount(self._bins, halves * self.fake, minlength=RELIABILITY_BINS) / total, rows


def scored(
    *,
    fake: npt.ArrayLike,
    logit: npt.ArrayLike,
    p: npt.ArrayLike,
    groups: npt.ArrayLike,
    thresholds: Thresholds,
) -> Scored:
    """Sort rows (N,) by score once; GROUPS may hold names or numbers."""
    values = np.asarray(logit, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    codes = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    truth, probability = np.asarray(fake, dtype=np.bool_), np.asarray(p, dtype=np.float64)
    return Scored(truth[order], values[order], probability[order], codes[order], thresholds)


def _share(hit: Bools, weights: Floats) -> float:
    total = weights.sum()
    return float(weights @ hit / total) if total > 0 else NAN


def _halves(fake: Bools, weights: Floats) -> Floats | None:
    """Weights rescaled so that each class sums to a half; None where a class has none."""
    fakes, total = float(weights @ fake), float(weights.sum())
    if fakes <= 0 or total - fakes <= 0:
        return None
    return np.asarray(weights * np.where(fake, 0.5 / fakes, 0.5 / (total - fakes)))
