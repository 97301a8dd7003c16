"""Has a cloud of embeddings moved? A domain classifier and the maximum mean discrepancy, each with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.metrics import roc_auc_score

from unmask.data.audit.shortcut import out_of_fold_scores

Embeddings = NDArray[np.float64]


@dataclass(frozen=True)
class DomainAuc:
    """Out-of-fold AUC of telling current from reference, with a bootstrap interval over groups."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Discrepancy:
    """Squared maximum mean discrepancy and its permutation p-value."""

    value: float
    p_value: float


def domain_auc(
    reference: Embeddings,
    current: Embeddings,
    groups: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    seed: int,
    resamples: int = 200,
) -> DomainAuc | None:
    """AUC of a logistic regression that tells CURRENT (m, d) from REFERENCE (n, d), folds by group; 0.5 is no shift.

    GROUPS are those of the reference and of the current rows. None where either side has too few rows or groups.
    """
    features = np.concatenate([reference, current])
    target = np.arange(len(features)) >= len(reference)
    group = np.concatenate(groups)
    scores = out_of_fold_scores(features, target, group, seed=seed, regularisation=0.05)
    if scores is None:
        return None
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(group == name) for name in np.unique(group)]
    values = []
    for _ in range(resamples):
        drawn = np.concatenate([members[index] for index in rng.integers(len(members), size=len(members))])
        if 0 < target[drawn].sum() < len(drawn):
            values.append(roc_auc_score(target[drawn], scores[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return DomainAuc(float(roc_auc_score(target, scores)), float(low), float(high))


def discrepancy(reference: Embeddings, current: Embeddings, *, seed: int, permutations: int = 200) -> Discrepancy:
    """Unbiased squared MMD of REFERENCE (n, d) and CURRENT (m, d) under a Gaussian kernel of the median distance.

    Gretton et al., "A kernel two-sample test", JMLR 2012, eq. 3; at least two rows a side.
    """
    features = np.concatenate([reference, current])
    squared = cdist(features, features, "sqeuclidean")
    scale = np.median(squared[np.triu_indices(len(features), 1)])
    kernel = np.exp(-squared / max(float(scale), 1e-12))
    np.fill_diagonal(kernel, 0.0)
    first = np.arange(len(features)) < len(reference)
    value = _mmd(kernel, first)
    rng = np.random.default_rng(seed)
    beaten = sum(_mmd(kernel, rng.permutation(first)) >= value for _ in range(permutations))
    return Discrepancy(value, (1 + beaten) / (1 + permutations))


def _mmd(kernel: Embeddings, first: NDArray[np.bool_]) -> float:
    n, m = int(first.sum()), int((~first).sum())
    one, two = first.astype(np.float64), (~first).astype(np.float64)
    to_one, to_two = kernel @ one, kernel @ two
    within = one @ to_one / (n * (n - 1)) + two @ to_two / (m * (m - 1))
    return float(within - 2 * (two @ to_one) / (n * m))
