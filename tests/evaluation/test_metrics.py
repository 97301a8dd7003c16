import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)
from torchmetrics.functional.classification import binary_calibration_error

from unmask.errors import DataError
from unmask.evaluation.metrics import NAMES, RANKING, Scored, scored
from unmask.serving.verdict import Thresholds, calibrate

THRESHOLDS = Thresholds(fake=0.8, real=0.3)


def _rows(fake: list[int] | np.ndarray, logit: list[float] | np.ndarray) -> Scored:
    p = calibrate(np.asarray(logit, dtype=np.float64), 1.0)
    return scored(fake=fake, logit=logit, p=p, groups=np.arange(len(fake)), thresholds=THRESHOLDS)


def _measure(rows: Scored, weights: np.ndarray | None = None) -> dict[str, float]:
    once = np.ones(len(rows.fake))
    return {name: float(value) for name, value in rows.measure(once if weights is None else weights).items()}


def _equal(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


# Scores on a coarse grid tie often, within a class and across the two; a weight of 0 leaves a row out.
weighted_rows = st.lists(
    st.tuples(st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 0.25, 1.0, 2.0, 3.5])), min_size=4, max_size=40
).filter(lambda rows: len({fake for fake, _, weight in rows if weight}) == 2)


def _columns(rows: list[tuple[bool, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fake, score, weight = (np.array(column) for column in zip(*sorted(rows, key=lambda row: row[1]), strict=True))
    return fake, score, weight


@given(weighted_rows)
def test_ranking_metrics_equal_scikit_learn_with_ties_and_weights(rows: list[tuple[bool, int, float]]) -> None:
    """U-E3."""
    fake, score, weight = _columns(rows)
    found = _measure(_rows(fake, score), weight)
    fpr, tpr, _ = roc_curve(fake, score, sample_weight=weight, drop_intermediate=False)
    expected = {
        "auc": roc_auc_score(fake, score, sample_weight=weight),
        "average_precision": average_precision_score(fake, score, sample_weight=weight),
        "tpr_at_fpr1": tpr[fpr <= 0.01].max(),
        "tpr_at_fpr5": tpr[fpr <= 0.05].max(),
    }
    _equal({name: found[name] for name in expected}, expected)
    # On the curve at the equal error rate: misses equal false positives.
    assert found["eer"] == pytest.approx(_crossing(fpr, tpr), abs=1e-9)


def _crossing(fpr: np.ndarray, tpr: np.ndarray) -> float:
    """Where the curve meets the line from (0, 1) to (1, 0), by bisection along the curve."""
    low, high = 0.0, float(len(fpr) - 1)
    places = np.arange(len(fpr))
    for _ in range(100):
        middle = (low + high) / 2
        x, y = np.interp(middle, places, fpr), np.interp(middle, places, tpr)
        low, high = (middle, high) if x + y < 1 else (low, middle)
    return float(np.interp(low, places, fpr))


@given(weighted_rows)
def test_rates_equal_scikit_learn_with_weights(rows: list[tuple[bool, int, float]]) -> None:
    """U-E3."""
    fake, score, weight = _columns(rows)
    found = _measure(_rows(fake, score), weight)
    flagged = calibrate(score.astype(np.float64), 1.0) > THRESHOLDS.fake
    called_real = calibrate(score.astype(np.float64), 1.0) < THRESHOLDS.real
    expected = {
        "recall": recall_score(fake, flagged, sample_weight=weight),
        "fpr": 1 - recall_score(~fake, ~flagged, sample_weight=weight),
        "miss": recall_score(fake, called_real, sample_weight=weight),
        "accuracy": accuracy_score(fake, flagged, sample_weight=weight),
        "balanced_accuracy": balanced_accuracy_score(fake, flagged, sample_weight=weight),
    }
    _equal({name: found[name] for name in expected}, expected)


def test_calibration_error_of_balanced_classes_equals_torchmetrics() -> None:
    generator = np.random.default_rng(0)
    fake = np.repeat([False, True], 500)
    logit = np.round(generator.normal(size=1000) + fake, 1)
    p = torch.from_numpy(calibrate(logit, 1.0))
    expected = binary_calibration_error(p, torch.from_numpy(fake).long(), n_bins=10)
    assert _measure(_rows(fake, logit))["ece"] == pytest.approx(float(expected), abs=1e-6)  # it sums in float32


@given(weighted_rows, st.integers(0, 99))
def test_a_weight_is_the_same_as_repeating_the_row(rows: list[tuple[bool, int, float]], seed: int) -> None:
    fake, score, _ = _columns(rows)
    weights = np.random.default_rng(seed).integers(0, 3, len(rows))
    repeated = (np.repeat(fake, weights), np.repeat(score, weights))
    if len(set(repeated[0].tolist())) < 2:
        return
    _equal(_measure(_rows(fake, score), weights.astype(np.float64)), _measure(_rows(*repeated)))


@given(weighted_rows, st.integers(0, 99))
def test_many_resamples_at_once_give_what_each_gives_alone(rows: list[tuple[bool, int, float]], seed: int) -> None:
    fake, score, _ = _columns(rows)
    weights = np.random.default_rng(seed).integers(0, 3, (5, len(rows))).astype(np.float64)
    weights[4, fake] = 0  # a resample without a fake
    slice_of = _rows(fake, score)
    together = slice_of.measure(weights)
    for index in range(5):
        _equal({name: float(values[index]) for name, values in together.items()}, _measure(slice_of, weights[index]))
    assert np.isnan([together[name][4] for name in (*RANKING, "recall", "ece")]).all()


@given(weighted_rows)
def test_every_metric_lies_between_0_and_1(rows: list[tuple[bool, int, float]]) -> None:
    fake, score, weight = _columns(rows)
    values = np.array(list(_measure(_rows(fake, score), weight).values()))
    assert ((values >= -1e-12) & (values <= 1 + 1e-12)).all()


def test_auc_with_a_tie_by_hand() -> None:
    """U-E3."""
    # pairs (real, fake): 1<2, 1<3, 2=2 counts half, 2<3
    assert _measure(_rows([0, 0, 1, 1], [1, 2, 2, 3]))["auc"] == pytest.approx(3.5 / 4)


def test_average_precision_by_hand() -> None:
    """U-E3."""
    # From the top: fake (1 of 1), real, fake (2 of 3); each fake is half of the recall.
    assert _measure(_rows([1, 0, 1, 0], [4, 3, 2, 1]))["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


def test_equal_error_rate_by_hand() -> None:
    """U-E3."""
    # At the threshold between 2 and 3 one real of four is above and one fake of four below.
    assert _measure(_rows([0, 0, 0, 0, 1, 1, 1, 1], [1, 1.5, 2, 4, 0, 3, 5, 6]))["eer"] == pytest.approx(0.25)


def test_equal_error_rate_between_two_thresholds_by_hand() -> None:
    """U-E3."""
    # The curve runs from (0, 1/2) to (1/2, 1/2): misses are one half all along, false positives reach it at its end.
    assert _measure(_rows([0, 0, 1, 1], [1, 3, 2, 4]))["eer"] == pytest.approx(0.5)
    # One step of the tied pair from (0, 1/2) to (1/2, 1) crosses the diagonal at a quarter.
    assert _measure(_rows([0, 0, 1, 1], [1, 3, 3, 4]))["eer"] == pytest.approx(0.25)


def test_recall_at_a_false_positive_rate_by_hand() -> None:
    reals = list(np.linspace(-2, 0, 20))
    rows = _rows([0] * 20 + [1] * 4, [*reals, -3, -0.05, 1, 2])
    curve = rows.curve(np.ones(24))
    # One real of twenty may be flagged: the threshold falls below the highest real.
    assert curve is not None
    assert curve.tpr_at(0.05) == pytest.approx(3 / 4)
    assert curve.tpr_at(0.0) == pytest.approx(2 / 4)


def test_rates_at_the_shipped_thresholds_by_hand() -> None:
    """U-E3."""
    logit = [-3, -3, -3, 3, -3, 0, 3, 3, 3, 3]
    found = _measure(_rows([0] * 4 + [1] * 6, logit))
    assert found["fpr"] == pytest.approx(1 / 4)
    assert found["recall"] == pytest.approx(4 / 6)
    assert found["miss"] == pytest.approx(1 / 6)
    assert found["uncertain"] == pytest.approx((0 + 1 / 6) / 2)
    assert found["accuracy"] == pytest.approx(7 / 10)
    assert found["balanced_accuracy"] == pytest.approx((4 / 6 + 3 / 4) / 2)


def test_a_probability_equal_to_a_threshold_has_no_verdict() -> None:
    rows = scored(fake=[0, 1, 1], logit=[-1, 0, 1], p=[0.3, 0.5, 0.8], groups=[0, 1, 2], thresholds=THRESHOLDS)
    found = _measure(rows)
    assert (found["fpr"], found["recall"], found["miss"], found["uncertain"]) == (0, 0, 0, 1)


def test_calibration_error_by_hand() -> None:
    # One bin, each class weighing half: mean probability 0.95 against a share of one half.
    rows = scored(fake=[0, 1], logit=[3, 3], p=[0.95, 0.95], groups=[0, 1], thresholds=THRESHOLDS)
    assert _measure(rows)["ece"] == pytest.approx(0.45)


def test_perfectly_calibrated_scores_have_a_small_calibration_error() -> None:
    generator = np.random.default_rng(0)
    fake = np.repeat([True, False], 20_000)
    logit = np.where(fake, 1.0, -1.0) + generator.normal(0, np.sqrt(2.0), 40_000)  # log-likelihood ratio of two normals
    assert _measure(_rows(fake, logit))["ece"] < 0.01


def test_reliability_counts_every_row_once() -> None:
    rows = _rows([0, 1, 1], [-9, 0.1, 9])
    mean, share, count = rows.reliability()
    assert count.sum() == 3
    assert np.isnan(mean[count == 0]).all()
    assert share[-1] == pytest.approx(1.0)


def test_without_a_class_what_needs_it_is_not_a_number() -> None:
    rows = _rows([0, 0], [1, 2])
    found = _measure(rows)
    assert set(found) == set(NAMES)
    assert np.isnan([found[name] for name in (*RANKING, "recall", "miss", "balanced_accuracy", "ece")]).all()
    assert found["fpr"] == 0.5
    assert rows.curve(np.ones(2)) is None


def test_a_probability_that_falls_where_the_score_rises_is_refused() -> None:
    with pytest.raises(DataError, match="row 0: the probability falls"):
        scored(fake=[0, 1], logit=[2, 1], p=[0.2, 0.4], groups=[0, 1], thresholds=THRESHOLDS)
