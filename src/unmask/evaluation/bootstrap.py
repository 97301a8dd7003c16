"""Intervals by resampling groups: rows of one person or clip come and go together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import beta, t

Weights = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]
MIN_VALID = 0.9  # share of resamples that must give a number; fewer means that a class often vanishes
ROUNDING = 1e-9
CHUNK = 1 << 17  # weights that are held at once, 1 MB: they stay in the cache, and memory does not grow with resamples


def resampled_weights(groups: Codes, *, resamples: int, seed: int, width: int = 0) -> Iterator[Weights]:
    """Yield how often each row was drawn when groups are drawn with replacement, some resamples at a time: (B, N).

    Fewer at a time where the caller spreads each over WIDTH rows.
    """
    count, generator = int(groups.max()) + 1, np.random.default_rng(seed)
    size = max(1, CHUNK // max(width, len(groups)))
    for first in range(0, resamples, size):
        several = min(size, resamples - first)
        drawn = generator.integers(0, count, (several, count)) + count * np.arange(several)[:, None]
        times = np.bincount(drawn.ravel(), minlength=several * count).reshape(several, count)
        yield np.take(times.astype(np.float64), groups, axis=1)


def resampled(
    measure: Callable[[Weights], Mapping[str, Floats]], groups: Codes, *, resamples: int, seed: int
) -> dict[str, Floats]:
    """Each number that MEASURE gives of weights (B, N), (B,), over all resamples (R,); GROUPS (N,) are codes 0..G-1."""
    drawn: dict[str, Floats] = defaultdict(lambda: np.empty(resamples))
    done = 0
    for weights in resampled_weights(groups, resamples=resamples, seed=seed):
        for name, values in measure(weights).items():
            drawn[name][done : done + len(weights)] = values
        done += len(weights)
    return dict(drawn)


def group_intervals(
    measure: Callable[[Weights], Mapping[str, float]],
    groups: Codes,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Interval | None]:
    """Percentile interval of each number MEASURE gives of weights (N,), for differences and other unbounded numbers.

    Efron and Tibshirani 1993, chapter 13. None where more than a tenth of the resamples lack a class that the number
    needs. A share or an area has `bounded_interval`, which covers better.
    """
    drawn = [measure(row) for rows in resampled_weights(groups, resamples=resamples, seed=seed) for row in rows]
    return {name: percentiles(np.asarray([row[name] for row in drawn]), confidence) for name in drawn[0]}


def percentiles(drawn: Floats, confidence: float) -> Interval | None:
    """The middle CONFIDENCE of the resamples (R,); None where more than a tenth of them are NaN."""
    values = drawn[~np.isnan(drawn)]
    if len(values) < MIN_VALID * len(drawn):
        return None
    low, high = np.quantile(values, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)


@dataclass(frozen=True)
class Independent:
    """How many independent units a number rests on: `units` that its resamples draw, `trials` that could each fail.

    An area under the curve of 20 reals and 20 fakes rests on 40 units, but on 20 disjoint pairs.
    """

    units: float
    trials: float

    @classmethod
    def of(cls, groups: Codes, fake: npt.NDArray[np.bool_]) -> "Independent":
        """Of a number that needs both classes of rows (N,).

        With few groups of one class it is these that decide: two samples of k have 2k - 2 degrees of freedom.
        """
        trials = min(effective_rows(groups[flags]) for flags in (fake, ~fake))
        return cls(min(effective_rows(groups), 2 * trials), trials)

    @classmethod
    def of_one_class(cls, groups: Codes) -> "Independent":
        """Of a share of rows (N,)."""
        return cls(*[effective_rows(groups)] * 2)


def bounded_interval(value: float, drawn: Floats, independent: Independent, confidence: float) -> Interval | None:
    """Interval of a share or an area between 0 and 1 from its resamples (R,), symmetric on the scale of log-odds.

    The bootstrap's standard error, carried to log-odds (Pepe 2003, section 5.2), times Student's t and the factor for
    few units (Hesterberg 2015). Percentiles of skewed numbers of few groups cover 65 to 92 % where 95 % are meant.
    Where no resample differs the interval is `exact_interval`'s; of a value of 0 or 1 whose resamples do differ, which
    log-odds can't carry, it holds both that one and the percentiles. None where more than a tenth of them are NaN.
    """
    values = drawn[~np.isnan(drawn)]
    if len(values) < MIN_VALID * len(drawn):
        return None
    spread = float(values.std())
    if min(value, 1 - value, spread) < ROUNDING:
        exact = exact_interval(min(max(value, 0.0), 1.0), independent.trials, confidence)
        likely = percentiles(values, confidence) if spread >= ROUNDING else None
        return _hull(exact, likely or exact)
    free = max(independent.units - 1, 1.0)
    error = spread * (independent.units / free) ** 0.5 / (value * (1 - value))
    middle, reach = float(logit(value)), float(t.ppf((1 + confidence) / 2, free)) * error
    return float(expit(middle - reach)), float(expit(middle + reach))


def _hull(first: Interval, second: Interval) -> Interval:
    return min(first[0], second[0]), max(first[1], second[1])


def group_codes(groups: npt.ArrayLike) -> Codes:
    """Codes 0..G-1 (N,) of names or numbers of groups (N,)."""
    codes: Codes = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    return codes


def effective_rows(groups: Codes) -> float:
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
