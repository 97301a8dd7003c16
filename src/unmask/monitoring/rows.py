"""Predictions as the monitor compares them: numbers to watch, embeddings, and which rows belong together."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unmask.serving.picture_quality import Quality

QUALITY = tuple(field.name for field in fields(Quality))
SCORE, UNCERTAIN = "p_fake", "uncertain"
Judged = tuple[float, str, Mapping[str, float], Quality | None]


@dataclass(frozen=True)
class Rows:
    """Predictions of one side: ids (n,), columns to watch (n, k), embeddings (n, d), groups (n,)."""

    ids: NDArray[np.str_]
    columns: pd.DataFrame
    embeddings: NDArray[np.float64]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: NDArray[np.intp]) -> "Rows":
        """The rows at some places, in that order."""
        columns = self.columns.iloc[chosen].reset_index(drop=True)
        return Rows(self.ids[chosen], columns, self.embeddings[chosen], self.groups[chosen])

    def distinct(self) -> "Rows":
        """The rows without repeats of the same picture, which has the same embedding; the first of each stays.

        A picture that goes round is sent a thousand times; it is one picture all the same.
        """
        _, first = np.unique(self.embeddings, axis=0, return_index=True)
        return self.take(np.sort(first))

    def at_most(self, count: int, *, seed: int) -> "Rows":
        """Whole groups at random, about COUNT rows; all of them where there are no more."""
        if len(self) <= count:
            return self
        codes = np.unique(self.groups, return_inverse=True)[1]
        sizes = np.bincount(codes)
        order = np.random.default_rng(seed).permutation(len(sizes))
        chosen = np.zeros(len(sizes), dtype=bool)
        chosen[order] = np.cumsum(sizes[order]) <= count
        return self.take(np.flatnonzero(chosen[codes]))


def watched_columns(judged: Iterable[Judged]) -> pd.DataFrame:
    """A column for each quality feature, the score, whether it is uncertain (0 or 1), and each attribute: P(name).

    JUDGED are calibrated probability, verdict, marginals and quality. Quality features are NaN where they were not
    measured.
    """
    unknown = dict.fromkeys(QUALITY, np.nan)
    rows = [
        {
            **(asdict(quality) if quality else unknown),
            SCORE: probability,
            UNCERTAIN: float(verdict == "uncertain"),
            **{f"P({name})": value for name, value in marginals.items()},
        }
        for probability, verdict, marginals, quality in judged
    ]
    return pd.DataFrame(rows).astype(np.float64)
