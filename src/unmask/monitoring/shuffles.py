"""Permutations of groups: what the difference of two sides looks like where there is none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Shuffles:
    """Ways to call some groups the window, the first as observed, B at random with about as many rows.

    Groups (a person, a clip, a request) move as a whole: their rows are alike, so that single rows moved about would
    make every difference look rarer than it is. `codes` (N,) are group codes of the rows, `chosen` (B + 1, G) is 1
    where a group is in the window.
    """

    codes: NDArray[np.intp]
    chosen: NDArray[np.float32]

    @classmethod
    def of(cls, reference: NDArray[np.str_], window: NDArray[np.str_], *, permutations: int, seed: int) -> "Shuffles":
        """Shuffles of the groups (n,) and (m,) of two sides; a name that both have stands for two groups."""
        names, n = [np.unique(side, return_inverse=True)[1] for side in (reference, window)], len(np.unique(reference))
        codes = np.concatenate([names[0], names[1] + n])
        sizes = np.bincount(codes)
        order = np.random.default_rng(seed).permuted(np.tile(np.arange(len(sizes)), (permutations, 1)), axis=1)
        ahead = np.cumsum(sizes[order], axis=1)
        chosen = np.zeros((permutations + 1, len(sizes)), dtype=np.float32)
        chosen[0, n:] = 1
        # a group is in where its middle is: the number of rows is then right on average
        np.put_along_axis(chosen[1:], order, (ahead - sizes[order] / 2 < len(window)).astype(np.float32), axis=1)
        return cls(codes, chosen)

    def labels(self) -> NDArray[np.float32]:
        """Which rows are in the window in each shuffle, (B + 1, N)."""
        return self.chosen[:, self.codes]

    def summed(self, values: Floats) -> NDArray[np.float32]:
        """VALUES (N, q) summed in each group: (G, q)."""
        order = np.argsort(self.codes, kind="stable")
        starts = np.searchsorted(self.codes[order], np.arange(self.chosen.shape[1]))
        return np.add.reduceat(values[order], starts, axis=0).astype(np.float32)

    def counts(self) -> tuple[Floats, Floats]:
        """Rows of the reference and of the window in each shuffle, (B + 1,) each."""
        window = self.chosen.astype(np.float64) @ np.bincount(self.codes)
        return len(self.codes) - window, window

    def differences(self, values: Floats) -> Floats:
        """Mean of VALUES (N, q) in the window less that in the reference, in each shuffle: (B + 1, q)."""
        sums = self.summed(values)
        n, m = (rows[:, None] for rows in self.counts())
        within = self.chosen @ sums
        difference: Floats = within / m - (sums.sum(axis=0) - within) / n
        return difference
