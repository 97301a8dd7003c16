"""Poisson blending: the gradients of a source, the colours of the target at the seam.

Pérez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003: the result is the source plus the harmonic field
that carries the difference at the region's rim inwards (their equations 4 and 5).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from unmask.data.forging.regions import Mask
from unmask.data.forging.warping import Pixels

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def seamless(target: Pixels, source: Pixels, where: Mask) -> NDArray[np.float32]:
    """The source (h, w, 3) shifted inside WHERE (h, w) so that it meets the target all round; elsewhere the source.

    The source must be sound one pixel beyond WHERE.

    Raises:
        ValueError: WHERE reaches the picture's edge, which has no pixel beyond.
    """
    if where[[0, -1]].any() or where[:, [0, -1]].any():
        raise ValueError("the region reaches the edge of the picture")
    result = source.astype(np.float64)
    if where.any():
        result[where] += _harmonic(target - result, where)
    return result.astype(np.float32)


def _harmonic(gap: NDArray[np.float64], where: Mask) -> NDArray[np.float64]:
    """Values (k, 3) at the k pixels of WHERE of the harmonic field that equals GAP (h, w, 3) on the pixels around."""
    y, x = np.nonzero(where)
    unknown = np.arange(len(y))
    number = np.full(where.shape, -1)
    number[where] = unknown
    known = np.zeros((len(y), gap.shape[2]))
    rows, columns = [unknown], [unknown]
    for down, right in NEIGHBOURS:
        beside = number[y + down, x + right]
        known += np.where(beside[:, None] < 0, gap[y + down, x + right], 0)
        rows.append(unknown[beside >= 0])
        columns.append(beside[beside >= 0])
    row, column = np.concatenate(rows), np.concatenate(columns)
    laplacian = csc_matrix((np.where(row == column, 4.0, -1.0), (row, column)), shape=(len(y), len(y)))
    # symmetric and diagonally dominant: no pivoting, and an ordering that keeps the factors thin
    factors = splu(laplacian, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.asarray(factors.solve(known))
