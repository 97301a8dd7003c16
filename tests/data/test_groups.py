import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.groups import components, hamming, near_duplicate_links, near_pairs, pair_links, same_value_links

WORDS = st.integers(0, 2**64 - 1)


@st.composite
def clustered(draw: st.DrawFn) -> np.ndarray:
    """64-bit values of which many are a few bits apart."""
    centres = draw(st.lists(WORDS, min_size=1, max_size=4))
    values = []
    for _ in range(draw(st.integers(1, 24))):
        value = draw(st.sampled_from(centres))
        for bit in draw(st.lists(st.integers(0, 63), max_size=6)):
            value ^= 1 << bit
        values.append(value)
    return np.array(values, dtype=np.uint64)


def brute_force(values: np.ndarray, bits: int) -> list[tuple[int, int]]:
    apart = [[(int(a) ^ int(b)).bit_count() for b in values] for a in values]
    return [(i, j) for i in range(len(values)) for j in range(i + 1, len(values)) if apart[i][j] <= bits]


@given(clustered(), st.integers(0, 8))
def test_the_index_finds_exactly_the_pairs_of_brute_force(values: np.ndarray, bits: int) -> None:
    distinct = np.unique(values)
    assert [tuple(pair) for pair in near_pairs(distinct, bits).tolist()] == brute_force(distinct, bits)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_among_many_values_every_planted_pair_is_found_once(bits: int) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 2**64, 40_000, dtype=np.uint64)
    flips = np.array([sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False)) for _ in range(500)], np.uint64)
    values[-500:] = values[:500] ^ flips
    pairs = near_pairs(values, bits)
    assert pairs.tolist() == [[row, 39_500 + row] for row in range(500)]


@given(clustered(), st.integers(0, 8))
def test_links_connect_what_all_pairs_connect(values: np.ndarray, bits: int) -> None:
    every = np.array(brute_force(values, bits), dtype=np.int64).reshape(-1, 2)
    ours = components(len(values), near_duplicate_links(values, bits))
    theirs = components(len(values), every)
    assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


@given(WORDS, WORDS)
def test_hamming_counts_differing_bits(left: int, right: int) -> None:
    counted = hamming(np.array([left], dtype=np.uint64), np.array([right], dtype=np.uint64))
    assert counted.tolist() == [(left ^ right).bit_count()]


def test_thousands_of_equal_hashes_cost_one_link_each() -> None:
    assert len(near_duplicate_links(np.full(5000, 7, dtype=np.uint64), 4)) == 4999


def test_the_first_row_of_a_value_holds_the_others() -> None:
    assert same_value_links(["a", "", "b", "a", None, "a", ""]).tolist() == [[0, 3], [0, 5]]


def test_pairs_link_where_the_real_is_there() -> None:
    assert pair_links(["x", "y", "z"], ["", "x", "gone"]).tolist() == [[0, 1]]


@pytest.mark.parametrize("count", [0, 3])
def test_without_links_every_row_is_alone(count: int) -> None:
    alone = components(count, np.empty((0, 2), dtype=np.int64))
    assert sorted(alone.tolist()) == list(range(count))
