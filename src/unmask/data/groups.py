"""What belongs together: links between rows of one identity, one clip, one pair, or near-duplicates."""

from collections.abc import Hashable, Iterable
from itertools import combinations, pairwise
from math import comb

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unmask.data.quality import HASH_BITS

Links = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
# Measured: sorting costs per value what 15 comparisons cost; bits of perceptual hashes of faces tell as much apart as
# 0.75 random bits each.
_SORT_COST = 15.0
_USEFUL = 0.75
_MOST_BANDS = 4


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

    Multi-index hashing (Norouzi, Punjani and Fleet 2012): of BITS + k bands, two values that differ in at most BITS
    bits agree in at least k, so only values that agree in some k bands are compared.
    """
    masks = _band_masks(len(values), bits)
    found = [_pairs_in_table(values, mask, masks[:number], bits) for number, mask in enumerate(masks)]
    pairs = np.concatenate(found)
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], dtype=np.int64)


def hamming(left: Hashes, right: Hashes) -> npt.NDArray[np.int64]:
    """Number of differing bits, element by element."""
    return _bit_count(left ^ right)


def components(count: int, links: Links) -> npt.NDArray[np.int64]:
    """Number of the connected component of each of COUNT rows."""
    ones = np.ones(len(links), dtype=np.int8)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _band_masks(count: int, bits: int) -> list[np.uint64]:
    # More bands per table mean fewer values to compare but more tables to sort; the cheapest depends on COUNT.
    def cost(agreeing: int) -> float:
        together = count * 2.0 ** (-_USEFUL * HASH_BITS * agreeing / (bits + agreeing))
        return float(comb(bits + agreeing, agreeing) * (_SORT_COST + together))

    agreeing = min(range(1, _MOST_BANDS + 1), key=cost)
    edges = np.linspace(0, HASH_BITS, bits + agreeing + 1).astype(np.int64).tolist()
    bands = [(1 << high) - (1 << low) for low, high in pairwise(edges)]
    return [np.uint64(sum(chosen)) for chosen in combinations(bands, agreeing)]


def _pairs_in_table(values: Hashes, mask: np.uint64, earlier: list[np.uint64], bits: int) -> Links:
    order = np.argsort(values & mask)
    ranked = values[order]
    band = ranked & mask
    found = [np.empty((0, 2), dtype=np.int64)]
    alive, step = np.flatnonzero(band[1:] == band[:-1]), 1
    while len(alive):
        differing = ranked[alive] ^ ranked[alive + step]
        close = alive[_bit_count(differing) <= bits]
        found.append(np.stack([order[close], order[close + step]], axis=1))
        step += 1
        alive = alive[alive + step < len(order)]
        alive = alive[band[alive] == band[alive + step]]
    pairs = np.sort(np.concatenate(found), axis=1)
    differing = values[pairs[:, 0]] ^ values[pairs[:, 1]]
    # Each pair once: in the first table that holds it.
    new = np.ones(len(pairs), dtype=bool)
    for other in earlier:
        new &= (differing & other) != 0
    return np.asarray(pairs[new], dtype=np.int64)


def _bit_count(bits: Hashes) -> npt.NDArray[np.int64]:
    # Bits summed in ever wider fields; NumPy counts bits itself only from version 2.
    bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    for shift in (8, 16, 32):
        bits = bits + (bits >> np.uint64(shift))
    return (bits & np.uint64(0x7F)).astype(np.int64)


def _as_links(links: list[tuple[int, int]]) -> Links:
    return np.asarray(links, dtype=np.int64).reshape(-1, 2)
