import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.monitoring.shuffles import Shuffles

REFERENCE = np.array(["a", "a", "b", "c", "c", "c"])
WINDOW = np.array(["x", "y", "a"])


def drawn(permutations: int = 50) -> Shuffles:
    return Shuffles.of(REFERENCE, WINDOW, permutations=permutations, seed=0)


def test_the_first_is_what_was_observed():
    assert drawn().labels()[0].tolist() == [0] * 6 + [1] * 3


def test_one_name_on_both_sides_is_two_groups():
    assert len(np.unique(drawn().codes)) == 6


@given(
    sizes=st.lists(st.integers(1, 6), min_size=4, max_size=40), window=st.integers(2, 60), seed=st.integers(0, 2**16)
)
@settings(max_examples=50, deadline=None)
def test_groups_move_whole_and_the_number_of_rows_stays(sizes, window, seed):
    reference = np.repeat(np.arange(len(sizes)), sizes).astype(str)
    shuffles = Shuffles.of(reference, np.arange(window).astype(str), permutations=30, seed=seed)
    n, m = shuffles.counts()
    assert (np.abs(m - window) <= max(sizes) / 2).all()
    assert (n + m == len(reference) + window).all()
    labels = shuffles.labels()
    for group in np.unique(shuffles.codes):
        assert (np.ptp(labels[:, shuffles.codes == group], axis=1) == 0).all()


def test_differences_are_those_of_the_means():
    values = np.random.default_rng(1).normal(size=(9, 2))
    shuffles = drawn()
    for labels, difference in zip(shuffles.labels() > 0, shuffles.differences(values), strict=True):
        assert np.allclose(difference, values[labels].mean(axis=0) - values[~labels].mean(axis=0), atol=1e-6)
