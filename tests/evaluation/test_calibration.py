import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.calibration import Calibration, fit, fit_temperature, rows_for, upper_threshold
from unmask.serving.verdict import calibrate, verdicts


def _fit(settings: Evaluate, real: np.ndarray, fake: np.ndarray, groups: np.ndarray | None = None) -> Calibration:
    truth = np.repeat([False, True], [len(real), len(fake)])
    return fit(
        logit=np.concatenate([real, fake]),
        fake=truth,
        seen=np.ones(len(truth), bool),
        groups=np.arange(len(truth)) if groups is None else groups,
        settings=settings,
    )


def test_temperature_recovers_the_scale_of_the_scores() -> None:
    generator = np.random.default_rng(0)
    fake = np.repeat([True, False], 4000)
    true_odds = np.where(fake, 1.0, -1.0) + generator.normal(0, math.sqrt(2), 8000)
    assert fit_temperature(3.0 * true_odds, fake) == pytest.approx(3.0, rel=0.05)


def test_temperature_does_not_depend_on_the_mixture_of_classes() -> None:
    generator = np.random.default_rng(0)
    real, fake = (generator.normal(mean, math.sqrt(2), 4000) for mean in (-1, 1))
    few = np.concatenate([real, fake[:400]])
    found = fit_temperature(few, np.repeat([False, True], [4000, 400]))
    assert found == pytest.approx(1.0, rel=0.12)


def test_separable_classes_get_a_temperature_within_its_range() -> None:
    logit = np.concatenate([np.linspace(-9, -5, 50), np.linspace(5, 9, 50)])
    temperature = fit_temperature(logit, np.repeat([False, True], 50))
    assert 0.1 < temperature < 10
    assert calibrate(9.0, temperature) < 1.0


@pytest.mark.parametrize(("rate", "rows"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_rows_that_a_rate_needs(rate: float, rows: int) -> None:
    assert rows_for(rate) == rows


@pytest.mark.parametrize(("rate", "rows"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_the_largest_score_of_as_many_rows_promises_the_rate(rate: float, rows: int) -> None:
    _, promise = upper_threshold(np.arange(float(rows)), np.arange(rows), 1 / (rows + 1))
    assert promise.promised <= rate < 1 - 0.05 ** (1 / (rows - 1))


def test_the_threshold_is_the_conformal_quantile() -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))  # 1..99, n + 1 = 100
    assert upper_threshold(scores, np.arange(99), 0.05)[0] == 95.0


@given(st.integers(10, 400), st.sampled_from([0.01, 0.02, 0.05, 0.2]))
@hypothesis_settings(max_examples=60)
def test_no_more_than_the_rate_lies_above_the_threshold(rows: int, rate: float) -> None:
    scores = np.random.default_rng(rows).normal(size=rows)
    threshold, promise = upper_threshold(scores, np.arange(rows), rate)
    assert np.mean(scores > threshold) <= rate
    assert promise.promised > rate / 2 or rows > 50


def test_new_rows_exceed_the_threshold_at_about_the_rate_on_average() -> None:
    generator = np.random.default_rng(0)
    beyond = [
        1 - threshold
        for threshold in (upper_threshold(generator.random(99), np.arange(99), 0.05)[0] for _ in range(2000))
    ]
    assert np.mean(beyond) == pytest.approx(0.05, abs=0.002)  # a uniform score lies above t with probability 1 - t


def test_the_promised_rate_holds_in_nineteen_draws_of_twenty() -> None:
    generator = np.random.default_rng(1)
    kept = []
    for _ in range(1000):
        threshold, promise = upper_threshold(generator.random(240), np.arange(240), 0.02)
        kept.append(1 - threshold <= promise.promised)
    assert np.mean(kept) == pytest.approx(0.95, abs=0.02)


def test_too_few_rows_are_said_to_be_too_few() -> None:
    threshold, promise = upper_threshold(np.arange(30.0), np.arange(30), 0.02)
    assert threshold == 29.0
    assert "149" in promise.note
    assert promise.promised == pytest.approx(1 - 0.05 ** (1 / 30))


def test_rows_of_few_groups_promise_less() -> None:
    scores = np.random.default_rng(0).normal(size=300)
    alone = upper_threshold(scores, np.arange(300), 0.02)[1]
    grouped = upper_threshold(scores, np.repeat(np.arange(30), 10), 0.02)[1]
    assert grouped.independent == 30
    assert grouped.promised > alone.promised
    assert "149" in grouped.note


def test_overlapping_classes_leave_an_uncertain_band(settings: Evaluate) -> None:
    generator = np.random.default_rng(0)
    real, fake = generator.normal(-1, 1.2, 300), generator.normal(1, 1.2, 300)
    found = _fit(settings, real, fake)
    assert found.thresholds.real < found.thresholds.fake
    called = verdicts(calibrate(real, found.temperature), found.thresholds)
    assert np.mean(called == "fake") <= settings.fake_fpr
    missed = verdicts(calibrate(fake, found.temperature), found.thresholds)
    assert np.mean(missed == "real") <= settings.real_miss


def test_separated_classes_need_no_uncertain_band_and_the_reader_is_told(settings: Evaluate) -> None:
    generator = np.random.default_rng(0)
    found = _fit(settings, generator.normal(-5, 1, 300), generator.normal(5, 1, 300))
    assert found.thresholds.real == found.thresholds.fake
    assert any("without an uncertain band" in note for note in found.notes)


def test_fakes_of_unseen_generators_choose_nothing(settings: Evaluate) -> None:
    generator = np.random.default_rng(0)
    logit = np.concatenate([generator.normal(-1, 1, 100), generator.normal(1, 1, 100), np.full(50, -30.0)])
    fake = np.repeat([False, True, True], [100, 100, 50])
    seen = np.repeat([True, True, False], [100, 100, 50])
    all_rows = fit(logit=logit, fake=fake, seen=seen, groups=np.arange(250), settings=settings)
    without = fit(logit=logit[:200], fake=fake[:200], seen=seen[:200], groups=np.arange(200), settings=settings)
    assert all_rows == without


def test_calibration_is_plain_json(settings: Evaluate) -> None:
    generator = np.random.default_rng(0)
    value = _fit(settings, generator.normal(-1, 1, 50), generator.normal(1, 1, 50)).to_dict()
    assert json.loads(json.dumps(value)) == value
    assert {"temperature", "thresholds", "fake", "real", "notes"} == set(value)


def test_nearly_empty_validation_is_an_error_with_a_remedy(settings: Evaluate) -> None:
    with pytest.raises(DataError, match="val_fraction"):
        _fit(settings, np.zeros(9), np.ones(50))


def test_calibrated_threshold_beats_one_half_on_shifted_scores(settings: Evaluate) -> None:
    """U-E8."""
    generator = np.random.default_rng(0)
    shift = 2.5
    draw = {name: generator.normal(mean + shift, 1, 500) for name, mean in (("real", -1.5), ("fake", 1.5))}
    found = _fit(dataclasses.replace(settings, fake_fpr=0.1), draw["real"], draw["fake"])
    fresh = {name: generator.normal(mean + shift, 1, 500) for name, mean in (("real", -1.5), ("fake", 1.5))}
    p = {name: calibrate(values, found.temperature) for name, values in fresh.items()}

    def balanced(threshold: float) -> float:
        return float(np.mean(p["fake"] > threshold) + np.mean(p["real"] <= threshold)) / 2

    assert balanced(found.thresholds.fake) > balanced(0.5) + 0.1
