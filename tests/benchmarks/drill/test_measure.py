import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drill.measure import Scores, auc, compare, false_positive_rate, recalls, thresholds
from benchmarks.drill.pictures import Picture

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9, 1.0]), min_size=1, max_size=60)


def picture(generator, number):
    return Picture(f"{generator}/{number}", b"", "real" if generator == "camera" else "fake", generator, f"{number}")


PICTURES = [picture(name, number) for name in ("camera", "old", "new") for number in range(100)]


def scores(model, **levels):
    """A model that gives the reals 0.00 to 0.99 and every other generator its level."""
    values = np.array([number / 100 for number in range(100)] + [levels["old"]] * 100 + [levels["new"]] * 100)
    return Scores(model, values, values > levels.get("own", 0.5))


@given(reals=SCORES, rate=st.floats(0.0, 1.0))
def test_no_more_reals_lie_above_the_threshold_than_the_rate_allows_and_no_lower_one_would_do(reals, rate):
    values = np.array(reals)
    limit = thresholds(values, np.ones((1, len(values))), rate=rate)[0]
    assert (values > limit).mean() <= rate + 1e-9
    lower = values[values < limit]
    assert not len(lower) or (values > lower.max()).mean() > rate


@given(reals=SCORES, times=st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_a_weight_is_a_number_of_copies(reals, times):
    values, weights = np.array(reals), np.array(times[: len(reals)], dtype=float)
    if not weights.any():
        weights[0] = 1.0
    copies = np.repeat(values, weights.astype(int))
    weighted = thresholds(values, weights[None], rate=0.2)[0]
    plain = thresholds(copies, np.ones((1, len(copies))), rate=0.2)[0]
    assert (copies > weighted).sum() == (copies > plain).sum()


def test_recalls_are_held_against_each_other_at_one_rate_whatever_the_scale():
    before, after = scores("a", old=0.97, new=0.3), scores("b", old=0.97, new=0.98)
    squeezed = Scores("b", after.probabilities**4, after.called_fake)
    for challenger in (after, squeezed):
        new, old = compare(PICTURES, before, challenger, rate=0.05, seed=1)
        assert (new.generator, new.recall, new.pictures) == ("new", (0.0, 1.0), 100)
        assert old.recall == (1.0, 1.0)
        assert new.low > 0.5


def test_a_generator_that_is_forgotten_shows():
    new, old = compare(PICTURES, scores("a", old=0.97, new=0.3), scores("b", old=0.5, new=0.98), rate=0.05, seed=1)
    assert old.change == -1.0
    assert old.auc == (pytest.approx(0.975), pytest.approx(0.505))
    assert new.change == 1.0


def test_own_verdicts_are_told_apart_from_those_at_the_common_rate():
    before = scores("a", old=0.97, new=0.6, own=0.8)
    assert false_positive_rate(PICTURES, before) == pytest.approx(0.19)
    new, _ = compare(PICTURES, before, before, rate=0.05, seed=1)
    assert new.own == (0.0, 0.0)


def test_a_resample_without_a_generator_says_nothing():
    generators = np.array(["camera", "old"])
    found = recalls(np.array([0.1, 0.9]), generators, np.array([[1.0, 0.0], [1.0, 1.0]]), rate=0.5)
    assert np.isnan(found["old"][0])
    assert found["old"][1] == 1.0


def test_ties_count_half():
    assert auc(np.array([0.1, 0.5]), np.array([0.5, 0.9])) == pytest.approx(0.875)
