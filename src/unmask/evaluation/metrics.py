"""Detection metrics of weighted rows, ties exact; a weight is how often the bootstrap drew a row.

Every function takes weights (..., N) of many resamples at once and returns one number for each, (...); a number that
needs a class without weight is NaN.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from unmask.errors import DataError
from unmask.evaluation.bootstrap import group_codes
from unmask.evaluation.curves import Codes, Curve, Floats
from unmask.serving.verdict import Thresholds, verdicts

Bools = npt.NDArray[np.bool_]
RELIABILITY_BINS = 10
FPRS = {"tpr_at_fpr1": 0.01, "tpr_at_fpr5": 0.05}
RANKING = ("auc", "average_precision", "eer", *FPRS)
NAMES = (*RANKING, "fpr", "recall", "miss", "uncertain", "accuracy", "balanced_accuracy", "ece")
NAN = float("nan")


@dataclass(frozen=True)
class Scored:
    """Rows of one slice in rising order of score: what is true, and what the detector said; made by `scored`.

    Shapes: fake (N,) bool; logit, p (N,) log-odds and calibrated probability of fake; groups (N,) int codes.
    Weights (..., N) come in the same order. A verdict and a bin of p are a stretch of that order.
    """

    fake: Bools
    logit: Floats
    p: Floats
    groups: Codes
    thresholds: Thresholds

    @property
    def n_real(self) -> int:
        """Rows that are real."""
        return int(np.count_nonzero(~self.fake))

    @property
    def n_fake(self) -> int:
        """Rows that are fake."""
        return int(np.count_nonzero(self.fake))

    def curve(self, weights: Floats) -> Curve | None:
        """The weighted error rates, NaN where a class has no weight; None where it has no row."""
        return self._curve(*self._below(weights)) if self.n_real and self.n_fake else None

    def measure(self, weights: Floats) -> dict[str, Floats]:
        """Every metric of `NAMES`."""
        real, fake = self._below(weights)
        curve = self._curve(real, fake)
        reals, fakes = real[..., -1], fake[..., -1]
        low, high = self._cuts
        flagged = {"fpr": 1 - _ratio(real[..., high], reals), "recall": 1 - _ratio(fake[..., high], fakes)}
        undecided = [_ratio(below[..., high] - below[..., low], below[..., -1]) for below in (real, fake)]
        values = {
            "auc": curve.auc(),
            "average_precision": curve.average_precision(),
            "eer": curve.eer(),
            **{name: curve.tpr_at(rate) for name, rate in FPRS.items()},
            **flagged,
            "miss": _ratio(fake[..., low], fakes),
            "uncertain": (undecided[0] + undecided[1]) / 2,
            "accuracy": _ratio(real[..., high] + fakes - fake[..., high], reals + fakes),
            "balanced_accuracy": (flagged["recall"] + 1 - flagged["fpr"]) / 2,
            "ece": np.abs(self.gaps(weights)).sum(axis=-1),
        }
        return {name: value[()] for name, value in values.items()}

    def reliability(self) -> tuple[Floats, Floats, Codes]:
        """Mean probability, share of fakes (each class weighing half) and rows of each bin; NaN where it is empty."""
        mean, share = np.full(RELIABILITY_BINS, NAN), np.full(RELIABILITY_BINS, NAN)
        rows = np.zeros(RELIABILITY_BINS, dtype=np.int64)
        halves = np.where(self.fake, 0.5 / max(self.n_fake, 1), 0.5 / max(self.n_real, 1))
        for index, rows_of in self._bins:
            rows[index], total = len(self.p[rows_of]), halves[rows_of].sum()
            if self.n_real and self.n_fake:
                mean[index] = halves[rows_of] @ self.p[rows_of] / total
                share[index] = halves[rows_of] @ self.fake[rows_of] / total
        return mean, share, rows

    def gaps(self, weights: Floats) -> Floats:
        """Share of fakes minus mean probability in each bin that holds rows, times the bin's weight: (..., bins).

        Each class weighs half. Their sizes sum up to the expected calibration error over bins of equal width (Naeini et
        al. 2015).
        """
        too_low, too_high = self.fake * (1 - self.p), ~self.fake * self.p
        fakes, reals = weights @ self.fake, weights @ ~self.fake
        gaps: list[Floats] = [
            _ratio(weights[..., rows] @ too_low[rows], fakes) - _ratio(weights[..., rows] @ too_high[rows], reals)
            for _, rows in self._bins
        ]
        return np.asarray(np.stack(gaps, axis=-1) / 2)

    def _below(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weight of the reals and of the fakes among the k lowest rows, (..., N + 1)."""
        both, fake = (np.zeros((*weights.shape[:-1], len(self.fake) + 1)) for _ in range(2))
        np.cumsum(weights, axis=-1, out=both[..., 1:])
        np.cumsum(weights * self.fake, axis=-1, out=fake[..., 1:])
        return np.subtract(both, fake, out=both), fake

    def _curve(self, real: Floats, fake: Floats) -> Curve:
        fpr, tpr = (1 - _ratio(below[..., self._between], below[..., -1:]) for below in (real, fake))
        alone = (real[..., -1] <= 0) | (fake[..., -1] <= 0)
        fpr[alone] = tpr[alone] = NAN
        return Curve(fpr, tpr, real[..., -1], fake[..., -1])

    @cached_property
    def _between(self) -> Codes | slice:
        """How many rows lie below each threshold between distinct scores, from 0 to N."""
        rises = np.flatnonzero(self.logit[1:] != self.logit[:-1]) + 1
        if len(rises) == len(self.logit) - 1:
            return slice(None)  # without ties every place is one, and nothing need be copied
        return np.concatenate(([0], rises, [len(self.logit)]))

    @cached_property
    def _cuts(self) -> tuple[int, int]:
        """How many rows are called real, and how many are not called fake."""
        said = verdicts(self.p, self.thresholds)
        return int(np.count_nonzero(said == "real")), int(np.count_nonzero(said != "fake"))

    @cached_property
    def _bins(self) -> list[tuple[int, slice]]:
        """The bins of equal width that hold rows, each with its stretch."""
        bins = reliability_bins(self.p)
        ends = np.searchsorted(bins, np.arange(RELIABILITY_BINS + 1))
        return [(index, slice(a, b)) for index, (a, b) in enumerate(pairwise(ends)) if a < b]


def reliability_bins(p: Floats) -> npt.NDArray[np.int64]:
    """The bin 0..RELIABILITY_BINS-1 of each probability (N,), all of equal width."""
    return np.minimum((p * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)


def scored(
    *,
    fake: npt.ArrayLike,
    logit: npt.ArrayLike,
    p: npt.ArrayLike,
    groups: npt.ArrayLike,
    thresholds: Thresholds,
) -> Scored:
    """Sort rows (N,) by score once; GROUPS may hold names or numbers.

    Raises:
        DataError: a score is not a number, or P falls where LOGIT rises.
    """
    values, probability = np.asarray(logit, dtype=np.float64), np.asarray(p, dtype=np.float64)
    unknown = np.flatnonzero(np.isnan(values) | np.isnan(probability))
    if len(unknown):
        raise DataError(f"row {unknown[0]} has no score (not a number); score it again or leave it out")
    order = np.argsort(values, kind="stable")
    values, probability = values[order], probability[order]
    falls = np.flatnonzero(np.diff(probability) < 0)
    if len(falls):
        raise DataError(f"row {order[falls[0] + 1]}: the probability falls where the log-odds rise; calibrate again")
    codes = group_codes(groups)
    return Scored(np.asarray(fake, dtype=np.bool_)[order], values, probability, codes[order], thresholds)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where the whole has no weight."""
    return np.divide(part, whole, out=np.full(np.shape(part), NAN), where=whole > 0)
