"""Near-duplicate search against all pairs in NumPy, and how it grows."""

import time
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.table import Row
from unmask.data.groups import hamming, near_pairs

_BITS = 4
_KINDS = 12
_BRUTE = 10_000


def search(*, counts: tuple[int, ...], repeats: int) -> list[Row]:
    """Seconds for each count of hashes, the exponent between them, and the ratio to all pairs at the least count."""
    rows = []
    for kind, draw in (("uniform", uniform), ("face-like", face_like)):
        seconds = [_seconds(draw(count), repeats) for count in counts]
        growth = np.polyfit(np.log(counts[1:]), np.log(seconds[1:]), 1)[0] if len(counts) > 2 else float("nan")
        brute = _brute_seconds(draw(_BRUTE))
        ours = ", ".join(f"{count:,}: {taken:.2f} s" for count, taken in zip(counts, seconds, strict=True))
        note = f"{kind} hashes; exponent {growth:.2f} from {counts[1]:,} on; peer at {_BRUTE:,}"
        ratio = brute / _seconds(draw(_BRUTE), repeats)
        rows.append(Row("near-duplicate search / all pairs", ours, f"{brute:.2f} s", ratio, "1 M under 60 s", note))
    return rows


def uniform(count: int) -> NDArray[np.uint64]:
    """Independent random hashes: the easy case."""
    return np.unique(np.random.default_rng(1).integers(0, 2**64, count, dtype=np.uint64))


def face_like(count: int) -> NDArray[np.uint64]:
    """Hashes about as unevenly spread as those of face crops.

    On 10,380 real crops 13 neighbouring bits agree 3 to 9 times, 21 bits 17 to 220 times as often as random ones; here
    every hash is one of 12 kinds with each bit flipped with probability 0.2, which gives about 5 and 54.
    """
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**64, _KINDS, dtype=np.uint64)[rng.integers(0, _KINDS, count)]
    for bit in range(64):
        values ^= (rng.random(count) < 0.2).astype(np.uint64) << np.uint64(bit)
    return np.unique(values)


def _seconds(values: NDArray[np.uint64], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        near_pairs(values, _BITS)
        taken.append(time.perf_counter() - start)
    return median(taken)


def _brute_seconds(values: NDArray[np.uint64]) -> float:
    start = time.perf_counter()
    for row in range(len(values) - 1):
        np.flatnonzero(hamming(values[row], values[row + 1 :]) <= _BITS)
    return time.perf_counter() - start
