"""Intervals by resampling groups: rows of one person or clip come and go together."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Weights = npt.NDArray[np.float64]
Interval = tuple[float, float]
MIN_VALID = 0.9  # share of resamples that must give a number; fewer means that a class often vanishes


def resampled_weights(groups: npt.NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[Weights]:
    """Yield, for each resample, how often each row (N,) was drawn when groups are drawn with replacement."""
    count = int(groups.max()) + 1
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)[groups]


def group_intervals(
    measure: Callable[[Weights], Mapping[str, float]],
    groups: npt.NDArray[np.int64],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Interval | None]:
    """Percentile interval of each number MEASURE gives, over resampled groups (Efron and Tibshirani 1993, chapter 13).

    GROUPS (N,) are codes 0..G-1. None where more than a tenth of the resamples lack a class that the number needs.
    """
    drawn = [measure(weights) for weights in resampled_weights(groups, resamples=resamples, seed=seed)]
    tail = (1 - confidence) / 2
    intervals: dict[str, Interval | None] = {}
    for name in drawn[0]:
        values = np.asarray([row[name] for row in drawn])
        values = values[~np.isnan(values)]
        low, high = np.quantile(values, (tail, 1 - tail)) if len(values) else (0.0, 0.0)
        intervals[name] = (float(low), float(high)) if len(values) >= MIN_VALID * resamples else None
    return intervals


def effective_rows(groups: npt.NDArray[np.int64]) -> float:
    """Kish's effective sample size of rows (N,) in groups, as if the rows of a group were copies; 0 without rows."""
    if not len(groups):
        return 0.0
    sizes = np.unique(groups, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def exact_interval(share: float, rows: float, confidence: float) -> Interval:
    """Clopper-Pearson interval of a share among (effective) rows.

    Resampling can't see beyond an error that never happened: 0 of 200 would give the interval [0, 0].
    """
    tail, hits = (1 - confidence) / 2, share * rows
    low = float(beta.ppf(tail, hits, rows - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1.0
    return low, high
