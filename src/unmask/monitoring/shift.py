"""How far a window is from the reference: three distances, each under all shuffles at once.

Each is scaled so that it can't exceed the share of pictures that moved: where a share s of the window was swapped for
something else, no distance is larger than s but by chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from unmask.monitoring.shuffles import Floats, Shuffles

POINTS = 64  # of a column's distribution that are compared
FOLDS = 5
RIDGE = 0.05


@dataclass(frozen=True)
class DomainAuc:
    """Out-of-fold AUC of telling the window from the reference, with a 95 % bootstrap interval over groups."""

    value: float
    low: float
    high: float


def column_distances(values: Floats, shuffles: Shuffles) -> Floats:
    """Kolmogorov-Smirnov distance of a column (N,) in each shuffle, (B + 1,), at up to POINTS values of it."""
    points = np.unique(np.quantile(values, np.linspace(0, 1, POINTS), method="lower"))[:-1]
    if not len(points):
        return np.zeros(len(shuffles.chosen))
    below = (values[:, None] <= points).astype(np.float32)
    distance: Floats = np.abs(shuffles.differences(below)).max(axis=1)
    return distance


def domain_scores(embeddings: Floats, shuffles: Shuffles, *, seed: int) -> NDArray[np.float32]:
    """Scores (N, B + 1) of a linear classifier of EMBEDDINGS (N, d) that looks for the window of each shuffle.

    Out of fold: no row is scored by a classifier that saw its group. Least squares with a ridge finds the direction of
    the linear discriminant, and all shuffles share one matrix, so a permutation test with refitting costs one solve.
    """
    x = (embeddings - embeddings.mean(axis=0)) / np.maximum(embeddings.std(axis=0), 1e-9)
    x, labels = x.astype(np.float32), shuffles.labels().T
    fold = np.random.default_rng(seed).permutation(np.arange(shuffles.chosen.shape[1]) % FOLDS)[shuffles.codes]
    scores = np.empty(labels.shape, dtype=np.float32)
    for left_out in range(FOLDS):
        seen = fold != left_out
        centre = x[seen].mean(axis=0)
        known = x[seen] - centre
        scatter = known.T @ known / len(known) + RIDGE * np.eye(x.shape[1], dtype=np.float32)
        weights = np.linalg.solve(scatter, known.T @ (labels[seen] - labels[seen].mean(axis=0)))
        # folds are ranked together, so their scores need one scale
        weights /= np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
        scores[~seen] = (x[~seen] - centre) @ weights
    return scores


def areas(scores: NDArray[np.float32], shuffles: Shuffles) -> Floats:
    """AUC of SCORES (N, B + 1) in each shuffle, (B + 1,)."""
    reference, window = shuffles.counts()
    ranked = (rankdata(scores, axis=0) * shuffles.labels().T).sum(axis=0)
    area: Floats = (ranked - window * (window + 1) / 2) / (window * reference)
    return area


def domain_auc(scores: Floats, shuffles: Shuffles, *, seed: int, resamples: int = 400) -> DomainAuc:
    """AUC of what was observed, from its out-of-fold scores (N,), each side's groups drawn anew for the interval."""
    window = shuffles.chosen[0] > 0
    rng = np.random.default_rng(seed)
    times = np.zeros((resamples, len(window)))
    for side in (window, ~window):
        times[:, side] = rng.multinomial(side.sum(), np.full(side.sum(), 1 / side.sum()), size=resamples)
    order = np.argsort(scores, kind="stable")
    weights, is_window = times[:, shuffles.codes[order]], window[shuffles.codes[order]]
    beaten = np.cumsum(weights * ~is_window, axis=1)
    drawn = ((weights * is_window) * beaten).sum(axis=1) / (weights @ is_window * beaten[:, -1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = float(areas(scores[:, None], Shuffles(shuffles.codes, shuffles.chosen[:1]))[0])
    return DomainAuc(value, float(low), float(high))


def discrepancies(embeddings: Floats, shuffles: Shuffles) -> Floats:
    """Maximum mean discrepancy of EMBEDDINGS (N, d) in each shuffle over its largest value, the root of 2: (B + 1,).

    Gaussian kernel of the median distance; Gretton et al., "A kernel two-sample test", JMLR 2012, eq. 5.
    """
    squared = cdist(embeddings, embeddings, "sqeuclidean")
    scale = np.median(squared)
    kernel = np.exp(-squared / max(float(scale), 1e-12))
    kernel = shuffles.summed(shuffles.summed(kernel).T)
    n, m = shuffles.counts()
    across = shuffles.chosen @ kernel
    within, with_all, every = (across * shuffles.chosen).sum(axis=1), across.sum(axis=1), float(kernel.sum())
    cross, rest = with_all - within, every - 2 * with_all + within
    squared_mmd: Floats = within / m**2 + rest / n**2 - 2 * cross / (n * m)
    return np.sqrt(np.maximum(squared_mmd, 0.0) / 2)
