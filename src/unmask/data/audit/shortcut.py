"""The shortcut audit: how well simple statistics alone tell real from fake, by generator."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
MIN_ROWS = 20
POOLED = "pooled"
TOO_FEW = f"fewer than {MIN_ROWS} visible reals or fakes, or all of one group"


@dataclass(frozen=True)
class ShortcutRow:
    """Out-of-fold AUC of one comparison; None where there are too few rows or groups.

    `auc` is of statistics that anybody would look at first; `auc_with_chroma` of these and of the noise of Cb and Cr,
    which a detector that reads colour residuals sees.
    """

    source: str
    generator: str
    reference: str
    n_real: int
    n_fake: int
    auc: float | None
    auc_with_chroma: float | None

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON."""
        return asdict(self)


def out_of_fold_scores(
    features: NDArray[np.float64],
    target: NDArray[np.bool_],
    groups: NDArray[np.str_],
    *,
    seed: int,
    regularisation: float = 1.0,
) -> NDArray[np.float64] | None:
    """Logistic-regression scores (n,) of rows by models that saw no row of the same group.

    FEATURES (n, d), TARGET (n,) bool, GROUPS (n,); REGULARISATION is the inverse penalty. None where a class has fewer
    than MIN_ROWS rows or two groups.
    """
    if min(target.sum(), (~target).sum()) < MIN_ROWS:
        return None
    folds = min(FOLDS, len(np.unique(groups[target])), len(np.unique(groups[~target])))
    if folds < 2:
        return None
    scores = np.full(len(target), np.nan)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(features, target, groups):
        if len(np.unique(target[train])) < 2:
            return None
        model = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation, solver="newton-cholesky"))
        model.fit(features[train], target[train])
        scores[test] = model.decision_function(features[test])
    return scores


def out_of_fold_auc(
    features: NDArray[np.float64], target: NDArray[np.bool_], groups: NDArray[np.str_], *, seed: int
) -> float | None:
    """AUC of out_of_fold_scores, or None where they can't be had."""
    scores = out_of_fold_scores(features, target, groups, seed=seed)
    return None if scores is None else float(roc_auc_score(target, scores))


def shortcut_audit(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    chroma: pd.DataFrame,
    *,
    reference_source: str = "",
    seed: int = 0,
) -> list[ShortcutRow]:
    """Audit labelled rows: each generator against the reals of its own source, and all fakes against all reals.

    A source without reals is compared with those of REFERENCE_SOURCE, or with all reals where that is empty.
    FEATURES and CHROMA are indexed like ROWS; rows without a visible label are ignored.
    """
    rows = rows[rows["labelled"] & rows["label"].isin(["real", "fake"])]
    reals = rows[rows["label"] == "real"]
    fakes = rows[rows["label"] == "fake"]
    audit = _Audit(features, pd.concat([features, chroma], axis=1), seed)
    result = []
    for (source, generator), chosen in fakes.groupby(["source", "generator"], sort=True):
        own = reals[reals["source"] == source]
        reference = str(source) if len(own) else (reference_source or "all reals")
        if not len(own):
            own = reals[reals["source"] == reference_source] if reference_source else reals
        result.append(audit(str(source), str(generator), reference, own, chosen))
    return [*result, audit(POOLED, POOLED, "all reals", reals, fakes)]


@dataclass(frozen=True)
class _Audit:
    plain: pd.DataFrame
    wider: pd.DataFrame
    seed: int

    def __call__(
        self, source: str, generator: str, reference: str, reals: pd.DataFrame, fakes: pd.DataFrame
    ) -> ShortcutRow:
        rows = pd.concat([reals, fakes])
        plain, wider = (self._auc(rows, features) for features in (self.plain, self.wider))
        return ShortcutRow(source, generator, reference, len(reals), len(fakes), plain, wider)

    def _auc(self, rows: pd.DataFrame, features: pd.DataFrame) -> float | None:
        return out_of_fold_auc(
            features.loc[rows.index].to_numpy(dtype=np.float64),
            (rows["label"] == "fake").to_numpy(),
            rows["group"].to_numpy(dtype=str),
            seed=self.seed,
        )
