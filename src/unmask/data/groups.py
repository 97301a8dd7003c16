"""What belongs together: links between rows of one identity, one clip, one pair, or near-duplicates."""

from collections.abc import Hashable, Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unmask.data.quality import HASH_BITS

Links = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def same_value_links(values: Iterable[Hashable]) -> Links:
    """Link each row with the first row of the same value: (m, 2) row numbers; None and "" link nothing."""
    first: dict[Hashable, int] = {}
    links = []
    for row, value in enumerate(values):
        if value is None or value == "":
            continue
        earlier = first.setdefault(value, row)
        if earlier != row:
            links.append((earlier, row))
    return _as_links(links)


def pair_links(raw_sha256: Iterable[str], pair_sha256: Iterable[str]) -> Links:
    """Link each fake with the real it was made from: (m, 2) row numbers."""
    row_of = {sha: row for row, sha in enumerate(raw_sha256)}
    return _as_links([(row_of[pair], row) for row, pair in enumerate(pair_sha256) if pair and pair in row_of])


def near_duplicate_links(hashes: Hashes, bits: int) -> Links:
    """Link rows whose hashes differ in at most BITS bits: (m, 2) row numbers.

    Equal hashes are linked with their first row only, so the links are few where many rows are alike; rows are
    connected exactly as by all pairs.
    """
    values, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    rows = np.arange(len(hashes))
    equal = np.stack([first[inverse], rows], axis=1)[first[inverse] != rows]
    links = np.concatenate([equal, first[near_pairs(values, bits)].reshape(-1, 2)])
    return np.asarray(links, dtype=np.int64)


def near_pairs(values: Hashes, bits: int) -> Links:
    """All pairs of distinct 64-bit values that differ in at most BITS bits: (m, 2), i < j, sorted.

    Multi-index hashing (Norouzi, Punjani and Fleet 2012): cut into BITS + 1 bands, two values that differ in at
    most BITS bits agree in at least one band, so only values that share a band are compared.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    edges = np.linspace(0, HASH_BITS, bits + 2).astype(np.int64)
    for low, high in pairwise(edges.tolist()):
        mask = np.uint64((1 << (high - low)) - 1)
        found.append(_pairs_in_band(values, (values >> np.uint64(low)) & mask, bits))
    return np.unique(np.concatenate(found), axis=0)


def hamming(left: Hashes, right: Hashes) -> npt.NDArray[np.int64]:
    """Number of differing bits, element by element."""
    # Bits summed in ever wider fields; NumPy counts bits itself only from version 2.
    bits = left ^ right
    bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    for shift in (8, 16, 32):
        bits = bits + (bits >> np.uint64(shift))
    return (bits & np.uint64(0x7F)).astype(np.int64)


def components(count: int, links: Links) -> npt.NDArray[np.int64]:
    """Number of the connected component of each of COUNT rows."""
    ones = np.ones(len(links), dtype=np.int8)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _pairs_in_band(values: Hashes, band: Hashes, bits: int) -> Links:
    order = np.argsort(band, kind="stable")
    band, values = band[order], values[order]
    found, alive, step = [], np.arange(len(order)), 1
    while True:
        alive = alive[alive + step < len(order)]
        alive = alive[band[alive] == band[alive + step]]
        if not len(alive):
            break
        close = alive[hamming(values[alive], values[alive + step]) <= bits]
        found.append(np.stack([order[close], order[close + step]], axis=1))
        step += 1
    return np.sort(np.concatenate(found), axis=1) if found else np.empty((0, 2), dtype=np.int64)


def _as_links(links: list[tuple[int, int]]) -> Links:
    return np.asarray(links, dtype=np.int64).reshape(-1, 2)
