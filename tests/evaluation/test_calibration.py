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
    threshold, promise = upper_threshold(np.arange(float(rows)), np.arange(rows), rate)
    assert threshold == rows - 1
    assert promise.promised <= rate
    assert promise.note == ""
    short = upper_threshold(np.arange(float(rows - 1)), np.arange(rows - 1), rate)[1]
    assert short.promised > rate
    assert str(rows) in short.note


def test_more_rows_allow_as_many_errors_as_wilks_says() -> None:
    # Tolerance limits of 95 % / 95 %: 59 rows for the largest, 93 for the second, 124 for the third (Wilks 1941).
    for rows, rank in ((92, 1), (93, 2), (123, 2), (124, 3)):
        assert upper_threshold(np.arange(float(rows)), np.arange(rows), 0.05)[0] == rows - rank


@given(st.integers(10, 400), st.sampled_from([0.01, 0.02, 0.05, 0.2]), st.integers(1, 6))
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_more_than_the_rate_lies_above_the_threshold(rows: int, rate: float, size: int) -> None:
    scores, groups = np.random.default_rng(rows).normal(size=rows), np.arange(rows) // size
    threshold, promise = upper_threshold(scores, groups, rate)
    assert np.mean(scores > threshold) <= rate
    assert (promise.promised <= rate) == (promise.note == "")
    assert promise.promised >= upper_threshold(scores, np.arange(rows), rate)[1].promised or promise.promised <= rate


def _held(rate: float, *, groups: int, size: int, alike: float, fresh: int) -> int:
    """In how many of 200 redraws of calibration and test rows no more of the test rows lie above than was promised."""
    generator = np.random.default_rng(groups + size)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        codes = np.repeat(np.arange(count), size)
        own = generator.normal(size=count)[codes]
        return np.sqrt(alike) * own + np.sqrt(1 - alike) * generator.normal(size=len(codes)), codes

    held = 0
    for _ in range(200):
        threshold, promise = upper_threshold(*draw(groups), rate)
        held += np.mean(draw(fresh)[0] > threshold) <= promise.promised
    return held


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.05])
@pytest.mark.parametrize(("groups", "size", "alike"), [(149, 1, 0.0), (400, 1, 0.0), (120, 5, 1.0), (120, 5, 0.5)])
def test_promised_rates_hold_in_nine_of_ten_redraws(rate: float, groups: int, size: int, alike: float) -> None:
    assert _held(rate, groups=groups, size=size, alike=alike, fresh=20_000 // size) >= 180


def test_rows_taken_for_independent_would_break_the_promise() -> None:
    """What the effective number of rows is for: copies in groups, promised as if they were rows of their own."""
    generator = np.random.default_rng(0)
    broken = 0
    for _ in range(200):
        copies = np.repeat(generator.random(120), 5)
        threshold, promise = upper_threshold(copies, np.arange(600), 0.02)
        broken += 1 - threshold > promise.promised
    assert broken > 60


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
    assert grouped.promised == pytest.approx(1 - 0.05 ** (1 / 30))
    assert alone.promised <= 0.02


def test_scores_that_are_no_numbers_are_refused(settings: Evaluate) -> None:
    real = np.r_[np.nan, np.zeros(40)]
    with pytest.raises(DataError, match="1 of 91 validation scores"):
        _fit(settings, real, np.ones(50))


def test_a_constant_scorer_gives_no_verdict(settings: Evaluate) -> None:
    found = _fit(settings, np.zeros(200), np.zeros(200))
    assert set(verdicts(calibrate(np.zeros(5), found.temperature), found.thresholds)) == {"uncertain"}


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
