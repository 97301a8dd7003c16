"""How strongly a label depends on something that has nothing to do with forgery."""

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """Cramer's V of two categorical columns, in [0, 1], corrected for small samples; 0 where one is constant.

    Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013, eq. 6-8.
    """
    table = pd.crosstab(first.to_numpy(), second.to_numpy()).to_numpy()
    count, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2 or count < 2:
        return 0.0
    chi2 = chi2_contingency(table, correction=False)[0]
    excess = max(0.0, chi2 / count - (rows - 1) * (columns - 1) / (count - 1))
    side = min(rows - (rows - 1) ** 2 / (count - 1), columns - (columns - 1) ** 2 / (count - 1)) - 1
    return float(min(1.0, np.sqrt(excess / side))) if side > 0 else 0.0


def binned(values: pd.Series, bins: int = 5) -> pd.Series:
    """A number as a category: its quantile bin; few distinct values stay as they are."""
    if values.nunique() <= bins:
        return values.astype(str)
    return pd.qcut(values.rank(method="average"), bins, duplicates="drop").astype(str)
