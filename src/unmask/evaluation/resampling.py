"""Resampled groups as counts, so that one draw serves every slice of two detectors and every point of a curve."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from unmask.evaluation.bootstrap import MIN_VALID, Interval, resampled_weights

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
CHUNK = 32  # resamples at once; more cost memory and no longer fit the cache


def group_counts(groups: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each of GROUPS groups was drawn, some resamples at a time: (B, GROUPS)."""
    drawn = resampled_weights(np.arange(groups, dtype=np.int64), resamples=resamples, seed=seed)
    for first in range(0, resamples, CHUNK):
        yield np.stack([next(drawn) for _ in range(min(CHUNK, resamples - first))])


def group_sums(values: npt.ArrayLike, groups: Codes, count: int) -> Floats:
    """Sum of the rows (N, K) of each group: (COUNT, K), where GROUPS (N,) are codes below COUNT."""
    rows = np.asarray(values, dtype=np.float64)
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, groups, rows)
    return sums


def percentile_interval(drawn: Floats, confidence: float) -> Interval | None:
    """The middle CONFIDENCE of the resamples (R,); None where more than a tenth of them are NaN."""
    values = drawn[~np.isnan(drawn)]
    if len(values) < MIN_VALID * len(drawn):
        return None
    low, high = np.quantile(values, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)
