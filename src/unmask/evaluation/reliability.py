"""Intervals of the reliability diagram: how sure the share of fakes in each bin is."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import Independent, bounded_interval, group_codes, resampled_weights
from unmask.evaluation.measure import Candidate
from unmask.evaluation.metrics import RELIABILITY_BINS, reliability_bins

Floats = npt.NDArray[np.float64]


def with_intervals(
    table: pd.DataFrame, candidates: Sequence[Candidate], settings: Evaluate, *, seed: int
) -> pd.DataFrame:
    """The rows of `reliability_table` with `NAME_low`, `NAME_high` and `NAME_rows` of each candidate.

    NaN where the bin is empty, or so sparse that a tenth of the resamples find it so.
    """
    added: dict[str, npt.NDArray[np.generic]] = {}
    for candidate in candidates:
        low, high, rows = _ends(candidate, table[candidate.name].to_numpy(dtype=np.float64), settings, seed)
        added |= {f"{candidate.name}_low": low.round(5), f"{candidate.name}_high": high.round(5)}
        added |= {f"{candidate.name}_rows": rows}
    return table.assign(**added)


def _ends(
    candidate: Candidate, shares: Floats, settings: Evaluate, seed: int
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    test = candidate.test
    groups = group_codes(test["group"])
    fake = (test["label"] == "fake").to_numpy(dtype=np.bool_)
    bins = reliability_bins(test["p_fake"].to_numpy(dtype=np.float64))
    held = np.eye(RELIABILITY_BINS)[bins]
    weights = resampled_weights(groups, resamples=settings.bootstrap, seed=seed)
    drawn = np.concatenate([_shares(each, fake, held) for each in weights])
    low, high = np.full(RELIABILITY_BINS, np.nan), np.full(RELIABILITY_BINS, np.nan)
    for place in np.flatnonzero(~np.isnan(shares)):
        independent = Independent.of_one_class(groups[bins == place])
        ends = bounded_interval(float(shares[place]), drawn[:, place], independent, settings.confidence)
        low[place], high[place] = ends or (np.nan, np.nan)
    return low, high, np.bincount(bins, minlength=RELIABILITY_BINS)


def _shares(weights: Floats, fake: npt.NDArray[np.bool_], held: Floats) -> Floats:
    """Share of fakes in each bin, (B, bins), each class weighing half; of weights (B, N) and rows in bins (N, bins)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a bin that no resampled row falls into gives NaN
        fakes, reals = ((weights * flags) @ held / (weights @ flags)[:, None] for flags in (fake, ~fake))
        return np.asarray(fakes / (fakes + reals))
