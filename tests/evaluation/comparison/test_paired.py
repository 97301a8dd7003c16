import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.evaluation.comparison.simulation import draw, pairs_of
from unmask.evaluation.comparison.paired import Difference, paired_differences, weighted_auc
from unmask.evaluation.comparison.pairs import Pair, Said


def _said(logit: np.ndarray) -> Said:
    return Said(logit, logit > 1.0)


def _pair(fake: np.ndarray, groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> Pair:
    return Pair("overall", "all", "frame", fake, groups, _said(first), _said(second))


def _one(pair: Pair, *, resamples: int = 400, confidence: float = 0.95) -> Difference:
    groups = int(pair.groups.max()) + 1
    return paired_differences([pair], groups=groups, resamples=resamples, confidence=confidence, seed=0)[0]


@given(st.integers(0, 10_000))
@hypothesis_settings(max_examples=40, deadline=None)
def test_the_weighted_auc_is_that_of_copied_rows(seed: int) -> None:
    generator = np.random.default_rng(seed)
    real, fake = generator.integers(0, 6, 15).astype(float), generator.integers(1, 7, 12).astype(float)
    times = [generator.integers(0, 3, len(rows)) for rows in (real, fake)]
    times[0][0] = times[1][0] = 1
    found = weighted_auc(real, fake)(*(np.asarray(one, dtype=float)[None] for one in times))[0]
    scores = np.concatenate([np.repeat(real, times[0]), np.repeat(fake, times[1])])
    truth = np.repeat([0, 1], [times[0].sum(), times[1].sum()])
    assert found == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)


def test_a_difference_is_the_challengers_minus_the_champions() -> None:
    fake, groups = np.repeat([False, True], 100), np.arange(200)
    generator = np.random.default_rng(0)
    worse = generator.normal(size=200) + fake
    found = _one(_pair(fake, groups, worse, worse + fake))
    assert found.auc.difference == pytest.approx(found.auc.challenger - found.auc.champion)
    assert found.auc.difference > 0
    assert found.recall.difference > 0
    assert found.fpr.difference == 0


def test_what_both_sides_have_in_common_cancels_out() -> None:
    generator = np.random.default_rng(0)
    fake, groups = np.repeat([False, True], 200), np.arange(400)
    common, first, second = (generator.normal(size=400) for _ in range(3))
    alike = _one(_pair(fake, groups, fake + common + 0.1 * first, fake + common + 0.1 * second)).auc.interval
    apart = _one(_pair(fake, groups, fake + first, fake + second)).auc.interval
    assert alike[1] - alike[0] < (apart[1] - apart[0]) / 3


def test_the_interval_is_over_groups_not_rows() -> None:
    """Copies of each row in its group must not narrow it."""
    generator = np.random.default_rng(0)
    fake = np.repeat([False, True], 60)
    first, second = generator.normal(size=120) + fake, generator.normal(size=120) + fake
    once = _one(_pair(fake, np.arange(120), first, second)).auc
    copied = _one(_pair(*(np.repeat(values, 10) for values in (fake, np.arange(120), first, second)))).auc
    assert copied.interval == pytest.approx(once.interval)
    assert copied.difference == pytest.approx(once.difference)


def test_no_differing_row_does_not_look_like_certainty() -> None:
    fake, groups = np.repeat([False, True], 50), np.arange(100)
    sure = np.where(fake, 5.0, -5.0)
    found = _one(_pair(fake, groups, sure, 2 * sure)).auc
    assert found.difference == 0
    assert found.interval == pytest.approx((-(1 - 0.025 ** (1 / 50)), 1 - 0.025 ** (1 / 50)))


@pytest.mark.parametrize(
    ("reals", "fakes", "reason"), [(9, 50, "only 9 real"), (50, 3, "only 3 fake"), (50, 0, "only 0 fake")]
)
def test_too_few_rows_give_a_reason(reals: int, fakes: int, reason: str) -> None:
    fake = np.repeat([False, True], [reals, fakes])
    scores = np.random.default_rng(0).normal(size=len(fake))
    found = _one(_pair(fake, np.arange(len(fake)), scores, scores))
    assert (found.auc.difference, found.auc.interval, found.auc.reason) == (None, None, reason)
    assert (found.fpr.interval is None) == (reals < 10)


def test_one_group_gives_a_reason() -> None:
    fake = np.repeat([False, True], 20)
    scores = np.random.default_rng(0).normal(size=40)
    groups = np.where(fake, 0, np.arange(40))
    assert _one(_pair(fake, groups, scores, scores)).auc.reason == "every fake is of one group"


def test_intervals_of_the_difference_cover_the_truth() -> None:
    """Simulated, 4 rows a group, AUC 0.90 against 0.92, whose difference is known."""
    covered, runs = 0, 200
    for seed in range(runs):
        rows = draw(seed, rows=600, champion=[0.9], challenger=[0.92], alike=0.7, group=4)
        pair = next(iter(pairs_of(rows)))
        low, high = paired_differences([pair], groups=150, resamples=300, confidence=0.95, seed=seed)[0].auc.interval
        covered += low <= 0.02 <= high
    assert 0.90 <= covered / runs <= 0.99
