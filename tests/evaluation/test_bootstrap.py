import time

import numpy as np
import pytest

from unmask.evaluation.bootstrap import effective_rows, exact_interval, group_intervals, resampled_weights
from unmask.evaluation.metrics import scored
from unmask.serving.verdict import Thresholds, calibrate

SETTINGS = {"resamples": 400, "confidence": 0.95, "seed": 1}


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    for weights in resampled_weights(groups, resamples=20, seed=0):
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


def test_a_hundred_thousand_rows_take_milliseconds_a_resample() -> None:
    generator = np.random.default_rng(0)
    fake = generator.random(100_000) < 0.5
    logit = generator.normal(size=100_000) + fake
    rows = scored(
        fake=fake,
        logit=logit,
        p=calibrate(logit, 1.0),
        groups=generator.integers(0, 30_000, 100_000),
        thresholds=Thresholds(0.8, 0.2),
    )
    start = time.process_time()
    group_intervals(rows.measure, rows.groups, resamples=20, confidence=0.95, seed=0)
    assert (time.process_time() - start) * 50 < 30  # seconds for 1,000 resamples, with room for a busy machine
