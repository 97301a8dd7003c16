"""The ROC curve of weighted rows and what is read off it, for many resamples at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
ROUNDING = 1e-12


@dataclass(frozen=True)
class Curve:
    """Error rates at every threshold: fpr, tpr (..., K + 1), from all flagged (1, 1) to none (0, 0), and class weights.

    A threshold lies only between two distinct scores, which is what makes ties exact.
    """

    fpr: Floats
    tpr: Floats
    real_weight: Floats
    fake_weight: Floats

    def auc(self) -> Floats:
        """Probability that a fake scores above a real, ties counting half (Mann-Whitney; trapezoids on the curve)."""
        return _dot(self.fpr[..., :-1] - self.fpr[..., 1:], self.tpr[..., 1:] + self.tpr[..., :-1]) / 2

    def average_precision(self) -> Floats:
        """Sum of the steps in recall, each times the precision there, without interpolation."""
        found = self.tpr[..., :-1] * self.fake_weight[..., None]
        flagged = self.fpr[..., :-1] * self.real_weight[..., None] + found
        precision = np.divide(found, flagged, out=np.ones_like(flagged), where=flagged > 0)
        return _dot(self.tpr[..., :-1] - self.tpr[..., 1:], precision)

    def eer(self) -> Floats:
        """Equal error rate: where the straight lines of the curve meet miss rate = false-positive rate."""
        excess = 1 - self.tpr - self.fpr  # of misses over false positives; rises from -1 to 1
        after = np.argmax(excess >= -ROUNDING, axis=-1)
        (x0, y0), (x1, y1) = ((_at(excess, place), _at(self.fpr, place)) for place in (after - 1, after))
        return y0 + (y1 - y0) * x0 / (x0 - x1)

    def tpr_at(self, fpr: float) -> Floats:
        """Largest share of fakes found at a false-positive rate of at most FPR on these very reals."""
        return _at(self.tpr, np.argmax(self.fpr <= fpr + ROUNDING, axis=-1))


def _dot(left: Floats, right: Floats) -> Floats:
    total: Floats = np.einsum("...k,...k->...", left, right)
    return total


def _at(values: Floats, place: Codes) -> Floats:
    found: Floats = np.take_along_axis(values, place[..., None], -1)[..., 0]
    return found
