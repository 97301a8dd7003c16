import numpy as np
import pytest

from unmask.config import Evaluate
from unmask.evaluation.metrics import NAMES, Scored, scored
from unmask.evaluation.numbers import measure_rows
from unmask.serving.verdict import Thresholds, calibrate

THRESHOLDS = Thresholds(fake=0.8, real=0.3)


def _rows(reals: int, fakes: int, *, temperature: float = 1.0) -> Scored:
    """Log-likelihood ratios of two normals, which are calibrated at a temperature of 1."""
    generator = np.random.default_rng(0)
    fake = np.arange(reals + fakes) >= reals
    logit = np.where(fake, 1.0, -1.0) + generator.normal(0, 2**0.5, reals + fakes)
    return scored(
        fake=fake, logit=logit, p=calibrate(logit, temperature), groups=np.arange(len(fake)), thresholds=THRESHOLDS
    )


def test_every_metric_is_a_number_with_an_interval_and_its_rows(settings: Evaluate) -> None:
    numbers = measure_rows(_rows(400, 300), settings, seed=0)
    assert set(numbers) == set(NAMES)
    for found in numbers.values():
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
        assert (found["n_real"], found["n_fake"]) == (400, 300)


@pytest.mark.parametrize(("name", "needed"), [("tpr_at_fpr1", 300), ("tpr_at_fpr5", 60)])
def test_a_low_false_positive_rate_needs_reals_above_the_threshold(name: str, needed: int, settings: Evaluate) -> None:
    assert measure_rows(_rows(needed, 40), settings, seed=0)[name]["value"] is not None
    lacking = measure_rows(_rows(needed - 1, 40), settings, seed=0)[name]
    assert lacking["value"] is None
    assert f"needs {needed}" in lacking["reason"]


def test_noise_alone_is_no_calibration_error(settings: Evaluate) -> None:
    found = measure_rows(_rows(100, 100), settings, seed=0)["ece"]
    assert found["value"] > 0.02
    assert found["low"] == 0.0


def test_scores_of_a_wrong_temperature_have_a_calibration_error(settings: Evaluate) -> None:
    found = measure_rows(_rows(400, 400, temperature=0.2), settings, seed=0)["ece"]
    assert 0.05 < found["low"] < found["value"] < found["high"]


def test_a_balanced_accuracy_without_a_spread_is_not_taken_for_certain(settings: Evaluate) -> None:
    fake = np.arange(40) >= 20
    logit = np.full(40, 5.0)  # all flagged: recall 1, false-positive rate 1
    rows = scored(fake=fake, logit=logit, p=calibrate(logit, 1.0), groups=np.arange(40), thresholds=THRESHOLDS)
    found = measure_rows(rows, settings, seed=0)["balanced_accuracy"]
    assert found["value"] == 0.5
    assert found["high"] - found["low"] > 0.2
