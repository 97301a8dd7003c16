from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.evaluation import bootstrap
from unmask.evaluation.bootstrap import (
    CHUNK,
    Independent,
    bounded_interval,
    effective_rows,
    exact_interval,
    group_intervals,
    percentiles,
    resampled,
    resampled_weights,
)

SETTINGS = {"resamples": 400, "confidence": 0.95, "seed": 1}


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    (drawn,) = resampled_weights(groups, resamples=20, seed=0)
    assert drawn.shape == (20, 6)
    for weights in drawn:
        assert weights[0] == weights[1]
        assert len(set(weights[3:])) == 1
        assert weights[[0, 2, 3]].sum() == 3  # as many groups as there are


def test_copies_in_a_group_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=60)
    single = group_intervals(lambda w: {"mean": float(w @ values / w.sum())}, np.arange(60), **SETTINGS)["mean"]
    copied = np.repeat(values, 10)
    grouped = group_intervals(
        lambda w: {"mean": float(w @ copied / w.sum())}, np.repeat(np.arange(60), 10), **SETTINGS
    )["mean"]
    assert grouped == pytest.approx(single)


def test_the_interval_of_a_mean_is_near_the_textbook_one() -> None:
    values = np.random.default_rng(3).normal(size=400)
    low, high = group_intervals(lambda w: {"mean": float(w @ values / w.sum())}, np.arange(400), **SETTINGS)["mean"]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(30.0)
    runs = [
        group_intervals(lambda w: {"mean": float(w @ values / w.sum())}, np.arange(30), **SETTINGS) for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_no_interval_where_resamples_often_lack_what_is_measured() -> None:
    def rare(weights: np.ndarray) -> dict[str, float]:
        return {"rare": 1.0 if weights[0] else float("nan")}

    assert group_intervals(rare, np.arange(5), **SETTINGS)["rare"] is None


@pytest.mark.parametrize(("rows", "low"), [(59, 0.05), (149, 0.02), (299, 0.01)])
def test_no_error_among_n_rows_promises_what_the_literature_says(rows: int, low: float) -> None:
    # One-sided 95 %, which is the two-sided 90 % interval.
    assert exact_interval(0.0, rows, 0.90)[1] <= low < exact_interval(0.0, rows - 1, 0.90)[1]


def test_an_exact_interval_reaches_to_the_ends_and_no_further() -> None:
    assert exact_interval(0.0, 20, 0.95)[0] == 0.0
    assert exact_interval(1.0, 20, 0.95)[1] == 1.0


def test_effective_rows_counts_equal_groups_once() -> None:
    assert effective_rows(np.repeat(np.arange(7), 4)) == pytest.approx(7)
    assert effective_rows(np.arange(5)) == pytest.approx(5)
    assert effective_rows(np.array([0, 0, 0, 1])) == pytest.approx(16 / 10)
    assert effective_rows(np.array([], dtype=np.int64)) == 0.0


def _shares(values: np.ndarray) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    return lambda weights: {"share": weights @ values / weights.sum(axis=-1)}


def test_how_many_resamples_are_held_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.repeat(np.arange(30), 3)
    whole = np.concatenate(list(resampled_weights(groups, resamples=50, seed=2)))
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * 90)
    pieces = list(resampled_weights(groups, resamples=50, seed=2))
    assert [len(piece) for piece in pieces] == [7] * 7 + [1]
    assert (np.concatenate(pieces) == whole).all()


def test_weights_held_at_once_do_not_grow_with_resamples() -> None:
    sizes = [weights.size for weights in resampled_weights(np.arange(CHUNK // 4), resamples=40, seed=0)]
    assert max(sizes) <= CHUNK
    assert sum(sizes) == 40 * (CHUNK // 4)


@given(st.floats(0.001, 0.999), st.floats(1e-4, 0.3), st.floats(2, 500))
def test_a_bounded_interval_holds_its_number_and_stays_within_0_and_1(
    value: float, spread: float, units: float
) -> None:
    drawn = value + spread * np.array([-1.0, 1.0])
    low, high = bounded_interval(value, drawn, Independent(units, units), 0.95)
    assert 0 <= low < value < high <= 1


def test_a_bounded_interval_of_many_groups_is_the_textbook_one_on_log_odds() -> None:
    hit = np.random.default_rng(5).random(4000) < 0.3
    groups = np.arange(4000)
    drawn = resampled(_shares(hit), groups, resamples=2000, seed=0)["share"]
    low, high = bounded_interval(float(hit.mean()), drawn, Independent.of_one_class(groups), 0.95)
    p = hit.mean()
    reach = 1.96 / np.sqrt(4000 * p * (1 - p))
    odds = np.log(p / (1 - p))
    assert (low, high) == pytest.approx((1 / (1 + np.exp(reach - odds)), 1 / (1 + np.exp(-reach - odds))), abs=1e-3)


def test_few_groups_widen_a_bounded_interval_beyond_the_percentiles() -> None:
    values = np.random.default_rng(1).random(8)
    drawn = resampled(_shares(values), np.arange(8), resamples=2000, seed=0)["share"]
    low, high = bounded_interval(float(values.mean()), drawn, Independent(8, 8), 0.95)
    outer = percentiles(drawn, 0.95)
    assert low < outer[0] < outer[1] < high


def test_a_value_at_an_end_whose_resamples_differ_is_not_called_certain() -> None:
    drawn = np.where(np.arange(100) < 40, 0.2, 1.0)
    low, high = bounded_interval(1.0, drawn, Independent(100, 100), 0.95)
    assert (low, high) == (0.2, 1.0)


def test_resamples_that_all_agree_give_the_exact_interval() -> None:
    same = Independent(40, 20)
    assert bounded_interval(1.0, np.ones(50), same, 0.95) == exact_interval(1.0, 20, 0.95)
    assert bounded_interval(0.5, np.full(50, 0.5 + 1e-16), same, 0.95) == exact_interval(0.5, 20, 0.95)


def test_no_bounded_interval_where_resamples_often_lack_a_class() -> None:
    drawn = np.where(np.arange(100) < 11, np.nan, 0.5)
    assert bounded_interval(0.5, drawn, Independent(9, 9), 0.95) is None


def test_units_of_two_classes_are_at_most_twice_the_rarer_one() -> None:
    groups = np.arange(103)
    assert Independent.of(groups, groups < 3) == Independent(pytest.approx(6), pytest.approx(3))
    assert Independent.of(np.arange(40), np.arange(40) < 20) == Independent(pytest.approx(40), pytest.approx(20))
    # Both classes of the same 20 groups: there are no more units than groups.
    assert Independent.of(np.tile(np.arange(20), 2), np.arange(40) < 20) == Independent(
        pytest.approx(20), pytest.approx(20)
    )
